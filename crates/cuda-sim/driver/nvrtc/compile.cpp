#include "compile.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "../image.h"
#include "rewrite.h"

extern char** environ;

namespace sim {

namespace {

namespace fs = std::filesystem;

// A folder of its own that is gone afterwards.
class Folder {
public:
    Folder() {
        std::string pattern = (fs::temp_directory_path() / "cuda-sim-XXXXXX").string();
        if (mkdtemp(pattern.data())) path_ = pattern;
    }
    ~Folder() {
        std::error_code ignored;
        if (!path_.empty()) fs::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

bool write_file(const fs::path& path, const std::string& text) {
    std::error_code failed;
    fs::create_directories(path.parent_path(), failed);
    std::ofstream file(path, std::ios::binary);
    file << text;
    return static_cast<bool>(file.flush());
}

void replace_all(std::string& text, const std::string& what, const std::string& by) {
    for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
        text.replace(at, what.size(), by);
}

// Where this library lies, and with it the driver and the headers of kernels.
fs::path home() {
    Dl_info information;
    if (!dladdr(reinterpret_cast<void*>(&home), &information)) return ".";
    return fs::path(information.dli_fname).parent_path();
}

// Runs g++; its standard output and messages go to files. True where it succeeds.
bool run_compiler(std::vector<std::string> arguments, const fs::path& output, const fs::path& messages,
                  std::string& log) {
    arguments.insert(arguments.begin(), CUDA_SIM_COMPILER);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    // A sanitizer's runtime that is preloaded is meant for the program, not for the compiler.
    std::vector<char*> environment;
    for (char** entry = environ; *entry; ++entry) {
        if (std::strncmp(*entry, "LD_PRELOAD=", 11) != 0) environment.push_back(*entry);
    }
    environment.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, messages.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t child = 0;
    int error = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        log += std::string(CUDA_SIM_COMPILER) + " cannot be started: " + std::strerror(error) + "\n";
        return false;
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    log += read_file(messages);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::vector<std::string> preprocessor_arguments(const Options& options, const Folder& folder) {
    std::vector<std::string> arguments = {"-E",
                                          "-x",
                                          "c++",
                                          "-std=" + options.standard,
                                          "-nostdinc",
                                          "-nostdinc++",
                                          "-undef",
                                          "-D__CUDACC__=1",
                                          "-D__CUDACC_RTC__=1",
                                          "-D__CUDA_ARCH__=" + std::to_string(options.architecture) + "0",
                                          "-D__CUDACC_VER_MAJOR__=13",
                                          "-D__CUDACC_VER_MINOR__=0",
                                          "-D__CUDA_SIM__=1",
                                          "-I" + (folder.path() / "headers").string()};
    arguments.insert(arguments.end(), options.preprocessor.begin(), options.preprocessor.end());
    arguments.push_back((folder.path() / "source.cu").string());
    return arguments;
}

std::vector<std::string> compiler_arguments(const Options& options, const Folder& folder) {
    std::vector<std::string> arguments = {
        "-x", "c++", "-std=c++17", "-O2", "-march=native", "-w", "-shared", "-fPIC",
        // What code for a GPU may rely on: no errno, no exceptions, memory read as whatever type.
        "-fno-math-errno", "-fno-exceptions", "-fno-rtti", "-fno-strict-aliasing",
        // A frame larger than the guard below the stack touches the guard all the same.
        "-fstack-clash-protection",
        // Two modules with one name must not meet.
        "-fvisibility=hidden", "-fno-gnu-unique", "-Wl,-Bsymbolic", "-Wl,-z,now",
        options.contract ? "-ffp-contract=fast" : "-ffp-contract=off", "-include",
        (home() / "driver/kernel/prelude.h").string(), (folder.path() / "source.cpp").string(), "-o",
        (folder.path() / "module.so").string(),
        // Found again when the module is loaded, as the driver that is there already.
        "-nodefaultlibs", "-L" + home().string(), "-l:libcuda.so", "-lm", "-lc"};
    std::string sanitizer = std::getenv("CUDA_SIM_SANITIZER") ? std::getenv("CUDA_SIM_SANITIZER") : "";
    if (!sanitizer.empty()) {
        arguments.push_back("-fsanitize=" + sanitizer);
        arguments.push_back("-g1");
    }
    arguments.push_back("-DCUDA_SIM_BUILD=\"" CUDA_SIM_BUILD_NAME + sanitizer + "\"");
    return arguments;
}

// Names headers as the program named them, and the simulator's own files without where they lie.
void clean_log(std::string& log, const Folder& folder) {
    replace_all(log, (folder.path() / "headers/").string(), "");
    replace_all(log, home().string() + "/driver/", "cuda-sim/");
}

}  // namespace

Outcome compile(const Source& source, const Options& options, std::string& image, std::string& log) {
    Folder folder;
    const fs::path& path = folder.path();
    bool written = !path.empty() && write_file(path / "source.cu", "# 1 \"" + source.name + "\"\n" + source.text);
    for (const auto& header : source.headers) {
        if (header.first.find("..") != std::string::npos || header.first.compare(0, 1, "/") == 0) {
            log += "nvrtc: error: a header must not be named " + header.first + "\n";
            return Outcome::SystemError;
        }
        written = written && write_file(path / "headers" / header.first, header.second);
    }
    if (!written) {
        log += "nvrtc: error: no file can be written in " + fs::temp_directory_path().string() + "\n";
        return Outcome::SystemError;
    }
    bool preprocessed =
        run_compiler(preprocessor_arguments(options, folder), path / "preprocessed", path / "messages", log);
    if (!preprocessed) {
        clean_log(log, folder);
        return Outcome::SourceError;
    }
    std::string text = read_file(path / "preprocessed");
    replace_all(text, (path / "headers/").string(), "");
    Rewritten rewritten = rewrite(text);
    if (!rewritten.error.empty()) {
        log += rewritten.error;
        return Outcome::SourceError;
    }
    write_file(path / "source.cpp", rewritten.text);
    bool compiled = run_compiler(compiler_arguments(options, folder), path / "output", path / "messages", log);
    clean_log(log, folder);
    if (!compiled) return Outcome::SourceError;
    image = read_file(path / "module.so");
    seal_image(reinterpret_cast<unsigned char*>(image.data()), image.size());
    return Outcome::Compiled;
}

}  // namespace sim
