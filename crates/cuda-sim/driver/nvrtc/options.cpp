#include "options.h"

#include <algorithm>
#include <cstdlib>

namespace sim {

const std::vector<int> ARCHITECTURES = {75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121};

namespace {

// An option as NVRTC lists it.
struct Known {
    const char* name;
    const char* alias;
    bool takes_value;
};

// Those after the empty line are without effect: they steer what there is only on a GPU, or what the log says.
constexpr Known KNOWN[] = {
    {"--gpu-architecture", "-arch", true},
    {"--std", "-std", true},
    {"--fmad", "-fmad", true},
    {"--define-macro", "-D", true},
    {"--undefine-macro", "-U", true},
    {"--include-path", "-I", true},
    {"--pre-include", "-include", true},

    {"--use_fast_math", "-use_fast_math", false},
    {"--ftz", "-ftz", true},
    {"--prec-sqrt", "-prec-sqrt", true},
    {"--prec-div", "-prec-div", true},
    {"--maxrregcount", "-maxrregcount", true},
    {"--device-debug", "-G", false},
    {"--generate-line-info", "-lineinfo", false},
    {"--extra-device-vectorization", "-extra-device-vectorization", false},
    {"--restrict", "-restrict", false},
    {"--disable-warnings", "-w", false},
    {"--device-as-default-execution-space", "-default-device", false},
    {"--display-error-number", "-err-no", false},
    {"--no-display-error-number", "-no-err-no", false},
    {"--diag-error", "-diag-error", true},
    {"--diag-suppress", "-diag-suppress", true},
    {"--diag-warn", "-diag-warn", true},
    {"--ptxas-options", "-Xptxas", true},
    {"--dopt", "-dopt", true},
    {"--minimal", "-minimal", false},
    {"--split-compile", "-split-compile", true},
    {"--builtin-move-forward", "-builtin-move-forward", true},
    {"--builtin-initializer-list", "-builtin-initializer-list", true},
    {"--no-cache", "-no-cache", false},
    {"--device-int128", "-device-int128", false},
    {"--optimization-info", "-opt-info", true},
    {"--no-source-include", "-no-source-include", false},
};

// An option as it was given: `--std=c++17`, `-D` `NAME`.
struct Option {
    std::string name;
    std::string value;
    bool has_value = false;
};

Option split(const std::string& text) {
    // -DNAME=1, -Ifolder: the value follows the letter.
    for (const char* letter : {"-D", "-U", "-I"}) {
        if (text.size() > 2 && text.compare(0, 2, letter) == 0) return {letter, text.substr(2), true};
    }
    size_t equals = text.find('=');
    if (equals == std::string::npos) return {text, "", false};
    return {text.substr(0, equals), text.substr(equals + 1), true};
}

const Known* find(const std::string& name) {
    auto found = std::find_if(std::begin(KNOWN), std::end(KNOWN),
                              [&](const Known& known) { return name == known.name || name == known.alias; });
    return found == std::end(KNOWN) ? nullptr : found;
}

bool read_architecture(const std::string& value, Options& options) {
    bool real = value.compare(0, 3, "sm_") == 0;
    bool virtual_ = value.compare(0, 8, "compute_") == 0;
    if (!real && !virtual_) return false;
    std::string digits = value.substr(real ? 3 : 8);
    // sm_90a: with the features of that architecture alone.
    if (!digits.empty() && (digits.back() == 'a' || digits.back() == 'f')) digits.pop_back();
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) return false;
    int number = std::atoi(digits.c_str());
    if (std::find(ARCHITECTURES.begin(), ARCHITECTURES.end(), number) == ARCHITECTURES.end()) return false;
    options.architecture = number;
    options.real_architecture = real;
    return true;
}

// False where NVRTC would not accept the value.
bool apply(const std::string& name, const std::string& value, Options& options) {
    if (name == "--gpu-architecture") return read_architecture(value, options);
    if (name == "--std") {
        options.standard = value;
        return value == "c++03" || value == "c++11" || value == "c++14" || value == "c++17" || value == "c++20";
    }
    if (name == "--fmad") {
        options.contract = value == "true";
        return value == "true" || value == "false";
    }
    if (name == "--define-macro") options.preprocessor.push_back("-D" + value);
    if (name == "--undefine-macro") options.preprocessor.push_back("-U" + value);
    if (name == "--include-path") options.preprocessor.push_back("-I" + value);
    if (name == "--pre-include") {
        options.preprocessor.push_back("-include");
        options.preprocessor.push_back(value);
    }
    return true;
}

}  // namespace

bool read_options(int count, const char* const* texts, Options& options, std::string& log) {
    for (int index = 0; index < count; ++index) {
        Option option = split(texts[index]);
        const Known* known = find(option.name);
        if (!known) {
            log = "nvrtc: error: unrecognized option " + std::string(texts[index]) + " found\n";
            return false;
        }
        std::string name = known->name;
        // The value may be the next text, but for the language.
        if (known->takes_value && !option.has_value && name != "--std" && index + 1 < count) {
            option.value = texts[++index];
            option.has_value = true;
        }
        if (option.has_value != known->takes_value || (known->takes_value && option.value.empty()) ||
            !apply(name, option.value, options)) {
            log = "nvrtc: error: invalid value for " + option.name + "\n";
            return false;
        }
    }
    return true;
}

}  // namespace sim
