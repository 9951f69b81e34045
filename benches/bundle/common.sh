# What the scripts share: parts that go on after one has failed, and the table of them at the end.
#
# Sourced with `name` set. OUT is the folder for logs and JSON, PYTHON one that has PyTorch; SMALL=1 tries the scripts on
# small networks, whatever drives them; ENGINE=cpu does so with nn-cpu; and SLOW multiplies what each part may take.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${OUT:-out}
engine=${ENGINE:-cuda}
python=${PYTHON:-python3}
small=${SMALL:-}
[ "$engine" = cuda ] || small=1
mkdir -p "$out"
out=$(cd "$out" && pwd)
log=$out/$name.log
: >"$log"
: >"$out/$name.jsonl"
scratch=$(mktemp -d)
rows=()
failed=()
skipped=()
cuda=("$here/bin/cuda" --engine "$engine")
trap 'rm -rf "$scratch"' EXIT

# row PART RESULT SECONDS SUMMARY
row() {
    rows+=("$(printf '%-34s %-7s %4s s  %s' "$1" "$2" "$3" "$4")")
    local summary=${4//\\/\\\\}
    printf '{"part": "%s", "result": "%s", "seconds": %s, "summary": "%s"}\n' \
        "$1" "$2" "$3" "${summary//\"/\\\"}" >>"$out/$name.jsonl"
}

# part NAME SECONDS COMMAND...: its last line is its summary; all it prints is in the log.
part() {
    local part=$1 limit=$2 start=$SECONDS status summary
    shift 2
    limit=$((limit * ${SLOW:-1}))
    printf '== %s\n' "$part" | tee -a "$log"
    timeout --kill-after=5 "$limit" "$@" </dev/null >"$scratch/said" 2>&1
    status=$?
    cat "$scratch/said" >>"$log"
    summary=$(grep -v '^[[:space:]]*$' "$scratch/said" | tail -n 1 | tr -d '\000-\037')
    case $status in
        0) row "$part" ok $((SECONDS - start)) "$summary" ;;
        124 | 137)
            failed+=("$part")
            row "$part" FAILED $((SECONDS - start)) "it took longer than $limit s" ;;
        *)
            failed+=("$part")
            tail -n 12 "$scratch/said" | cut -c 1-400
            row "$part" FAILED $((SECONDS - start)) "exit status $status: $summary" ;;
    esac
    return $status
}

# skip NAME WHY
skip() {
    printf '== %s\nnot done: %s\n' "$1" "$2" | tee -a "$log"
    skipped+=("$1")
    row "$1" - 0 "not done: $2"
}

# What is found where; empty if it is not.
tool() {
    command -v "$1" || ls "/usr/local/cuda/bin/$1" 2>/dev/null
}

has_torch() {
    "$python" -c 'import torch' >/dev/null 2>&1
}

# What convolutions multiply, all of it, and what the engine has of it. An engine that cannot even say so is asked in full.
all_formats=(full tf32x3 tf32 bf16)
formats=" $("${cuda[@]}" formats 2>>"$log" | tr '\n' ' ')"
[[ $formats == *' full '* ]] || formats=' full '

# part_in FORMAT NAME SECONDS COMMAND...: a part in a format that the engine may lack.
part_in() {
    local format=$1 part="$2, $1"
    shift 2
    if [[ $formats == *" $format "* ]]; then
        part "$part" "$@" --products "$format"
    else
        skip "$part" "the engine ($engine) does not multiply in $format"
        return 1
    fi
}

machine() {
    if command -v nvidia-smi >/dev/null; then
        local facts=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem,power.limit,mig.mode.current
        part "the machine" 5 bash -c "nvidia-smi; nvidia-smi --query-gpu=$facts --format=csv,noheader"
    else
        skip "the machine" "there is no nvidia-smi"
    fi
}

# The table; the exit status says whether a part failed.
finish() {
    {
        printf '\n'
        printf '%s\n' "${rows[@]}"
        printf '\n%s: %d parts, %d failed, %d not done, %d s; logs in %s\n' \
            "$name" "${#rows[@]}" "${#failed[@]}" "${#skipped[@]}" "$SECONDS" "$out"
        [ "${#failed[@]}" -eq 0 ] || printf 'failed: %s\n' "${failed[@]}"
    } | tee -a "$log"
    [ "${#failed[@]}" -eq 0 ]
}
