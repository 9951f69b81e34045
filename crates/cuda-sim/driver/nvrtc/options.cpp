#include "options.h"

#include <algorithm>
#include <cstdlib>

namespace sim {

const std::vector<int> ARCHITECTURES = {75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121};

namespace {

// An option's name and value: `--std=c++17`, or `-D` `NAME`.
struct Option {
    std::string name;
    std::string value;
    bool has_value = false;
};

// Accepted and without effect: they steer what there is only on a GPU, or what the log says.
const char* const WITHOUT_EFFECT[] = {
    "--use_fast_math", "-use_fast_math", "--ftz", "-ftz", "--prec-sqrt", "-prec-sqrt", "--prec-div", "-prec-div",
    "--maxrregcount", "-maxrregcount", "--device-debug", "-G", "--generate-line-info", "-lineinfo",
    "--extra-device-vectorization", "-extra-device-vectorization", "--restrict", "-restrict", "--disable-warnings", "-w",
    "--device-as-default-execution-space", "-default-device", "--display-error-number", "-err-no",
    "--no-display-error-number", "-no-err-no", "--diag-error", "-diag-error", "--diag-suppress", "-diag-suppress",
    "--diag-warn", "-diag-warn", "--ptxas-options", "-Xptxas", "--dopt", "-dopt",
    "--minimal", "-minimal", "--split-compile", "-split-compile", "--builtin-move-forward", "-builtin-move-forward",
    "--builtin-initializer-list", "-builtin-initializer-list", "--version-ident", "--no-cache",
    "-no-cache", "--device-int128", "-device-int128", "--optimization-info", "-opt-info",
    "--relocatable-device-code", "-rdc", "--device-w", "-dw", "--no-source-include", "-no-source-include",
    "--fdevice-syntax-only", "-fdevice-syntax-only",
};

// Those of the above that take a value as the next text.
const char* const VALUE_FOLLOWS[] = {
    "--maxrregcount", "-maxrregcount", "--ptxas-options", "-Xptxas", "--diag-suppress", "-diag-suppress",
    "--diag-error", "-diag-error", "--diag-warn", "-diag-warn", "--gpu-architecture", "-arch", "--fmad", "-fmad",
    "--define-macro", "-D", "--undefine-macro", "-U", "--include-path", "-I",
};

template <size_t count>
bool contains(const char* const (&names)[count], const std::string& name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

Option split(const std::string& text) {
    // -DNAME=1, -Ifolder: the value follows the letter.
    for (const char* letter : {"-D", "-U", "-I"}) {
        if (text.size() > 2 && text.compare(0, 2, letter) == 0) return {letter, text.substr(2), true};
    }
    size_t equals = text.find('=');
    if (equals == std::string::npos) return {text, "", false};
    return {text.substr(0, equals), text.substr(equals + 1), true};
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
bool apply(const Option& option, Options& options) {
    const std::string& name = option.name;
    const std::string& value = option.value;
    if (name == "--gpu-architecture" || name == "-arch") return read_architecture(value, options);
    if (name == "--std" || name == "-std") {
        options.standard = value;
        return value == "c++03" || value == "c++11" || value == "c++14" || value == "c++17" || value == "c++20";
    }
    if (name == "--fmad" || name == "-fmad") {
        options.contract = value == "true";
        return value == "true" || value == "false";
    }
    if (name == "--define-macro" || name == "-D") {
        options.preprocessor.push_back("-D" + value);
        return !value.empty();
    }
    if (name == "--undefine-macro" || name == "-U") {
        options.preprocessor.push_back("-U" + value);
        return !value.empty();
    }
    if (name == "--include-path" || name == "-I") {
        options.preprocessor.push_back("-I" + value);
        return !value.empty();
    }
    if (name == "--pre-include" || name == "-include") {
        options.preprocessor.push_back("-include");
        options.preprocessor.push_back(value);
        return !value.empty();
    }
    return true;
}

bool known(const std::string& name) {
    static const char* const WITH_EFFECT[] = {
        "--gpu-architecture", "-arch", "--std", "-std", "--fmad", "-fmad", "--define-macro", "-D", "--undefine-macro",
        "-U", "--include-path", "-I", "--pre-include", "-include"};
    return contains(WITH_EFFECT, name) || contains(WITHOUT_EFFECT, name);
}

}  // namespace

bool read_options(int count, const char* const* texts, Options& options, std::string& log) {
    for (int index = 0; index < count; ++index) {
        Option option = split(texts[index]);
        if (!known(option.name)) {
            log = "nvrtc: error: unrecognized option " + std::string(texts[index]) + " found\n";
            return false;
        }
        if (!option.has_value && contains(VALUE_FOLLOWS, option.name) && index + 1 < count) {
            option.value = texts[++index];
        }
        if (!apply(option, options)) {
            log = "nvrtc: error: invalid value for " + option.name + "\n";
            return false;
        }
    }
    return true;
}

}  // namespace sim
