#include "rewrite.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>

#include "tokens.h"

namespace sim {

namespace {

class Rewriter {
public:
    explicit Rewriter(const std::string& source) : tokens_(tokenize(source)) {}

    Rewritten run() {
        for (at_ = 0; at_ < tokens_.size() && error_.empty(); ++at_) step();
        std::string text;
        for (const Token& token : tokens_) text += token.text;
        return {text + "\n# 1 \"exports of kernels\"\n" + exports_, error_};
    }

private:
    void step() {
        Token& token = tokens_[at_];
        if (token.kind == Kind::Directive) {
            directive(token);
            return;
        }
        if (token.is("\n")) ++line_;
        if (token.kind == Kind::Word && token.is("__global__")) kernel();
        if (token.kind == Kind::Word && token.is("__shared__")) {
            shared();
            return;
        }
        if (token.is("{")) braces_.push_back(opens_scope() ? 'n' : 'b');
        if (token.is("}") && !braces_.empty()) braces_.pop_back();
    }

    // The significant token before or after a place; the number of tokens where there is none.
    size_t before(size_t place) const {
        while (place-- > 0) {
            if (tokens_[place].kind != Kind::Space && tokens_[place].kind != Kind::Directive) return place;
        }
        return tokens_.size();
    }

    size_t after(size_t place) const {
        while (++place < tokens_.size()) {
            if (tokens_[place].kind != Kind::Space && tokens_[place].kind != Kind::Directive) return place;
        }
        return tokens_.size();
    }

    bool text_at(size_t place, const char* text) const { return place < tokens_.size() && tokens_[place].is(text); }

    // Whether the brace here opens a namespace or a linkage specification: what is in it is outside all functions.
    bool opens_scope() const {
        size_t name = before(at_);
        if (text_at(name, "\"C\"") || text_at(name, "\"C++\"") || text_at(name, "namespace")) return true;
        while (name < tokens_.size() && (tokens_[name].kind == Kind::Word || tokens_[name].is(":"))) {
            if (tokens_[name].is("namespace")) return true;
            name = before(name);
        }
        return false;
    }

    bool outside_functions() const { return braces_.find('b') == std::string::npos; }

    // `# 12 "kernel.cu"`, `#pragma unroll 4`
    void directive(Token& token) {
        const char* rest = token.text.c_str() + 1;
        while (*rest == ' ') ++rest;
        if (std::isdigit(static_cast<unsigned char>(*rest))) {
            char* name = nullptr;
            // The line break at the end of the directive counts one too many.
            line_ = std::strtol(rest, &name, 10) - 1;
            const char* quote = std::strchr(name, '"');
            if (quote) file_ = std::string(quote + 1, std::strcspn(quote + 1, "\""));
            return;
        }
        if (std::strncmp(rest, "pragma", 6) != 0) return;
        rest += 6;
        while (*rest == ' ') ++rest;
        if (std::strncmp(rest, "unroll", 6) != 0) return;
        rest += 6;
        while (*rest == ' ' || *rest == '(') ++rest;
        // Before anything but a loop NVRTC warns, and g++ would refuse.
        size_t next = after(at_);
        if (!text_at(next, "for") && !text_at(next, "while") && !text_at(next, "do")) return;
        if (!*rest) {
            // Whole loops where they are short, as registers need; more would make the code large for nothing.
            token.text = "#pragma GCC unroll 16";
        } else if (std::isdigit(static_cast<unsigned char>(*rest))) {
            token.text = "#pragma GCC unroll " + std::to_string(std::min(std::strtol(rest, nullptr, 10), 64L));
        }
    }

    // Whether the declaration that has reached this place began with extern "C", or stands in such a block.
    bool has_c_linkage() const {
        for (size_t place = before(at_); place < tokens_.size(); place = before(place)) {
            const Token& token = tokens_[place];
            if (token.is("\"C\"")) return true;
            if (token.is(";") || token.is("}")) break;
            if (token.is("{")) return text_at(before(place), "\"C\"");
        }
        return !c_blocks().empty();
    }

    // The open braces that extern "C" opened.
    std::vector<size_t> c_blocks() const {
        std::vector<size_t> open;
        for (size_t place = 0; place < at_; ++place) {
            if (tokens_[place].is("{")) open.push_back(place);
            if (tokens_[place].is("}") && !open.empty()) open.pop_back();
        }
        std::vector<size_t> blocks;
        for (size_t place : open) {
            if (text_at(before(place), "\"C\"")) blocks.push_back(place);
        }
        return blocks;
    }

    // The token that closes the bracket at a place.
    size_t closing(size_t place) const {
        int depth = 0;
        for (; place < tokens_.size(); ++place) {
            if (tokens_[place].is("(")) ++depth;
            if (tokens_[place].is(")") && --depth == 0) return place;
        }
        return tokens_.size();
    }

    std::string text_between(size_t begin, size_t end) const {
        std::string text;
        for (size_t place = begin + 1; place < end && place < tokens_.size(); ++place) {
            if (tokens_[place].kind != Kind::Directive) text += tokens_[place].is("\n") ? " " : tokens_[place].text;
        }
        return text;
    }

    // __global__ void __launch_bounds__(256) name(parameters) { … }
    void kernel() {
        if (!has_c_linkage()) return;
        std::string bounds;
        for (size_t place = after(at_); place < tokens_.size(); place = after(place)) {
            size_t next = after(place);
            if (!text_at(next, "(")) continue;
            size_t close = closing(next);
            if (tokens_[place].is("__launch_bounds__")) {
                bounds = text_between(next, close);
            } else if (!tokens_[place].is("__attribute__") && !tokens_[place].is("__align__")) {
                // Only declared: the definition follows.
                if (!text_at(after(close), "{")) return;
                exports_ += "CUDA_SIM_EXPORT(" + tokens_[place].text + (bounds.empty() ? "" : ", " + bounds) + ")\n";
                return;
            }
            place = close;
        }
    }

    void shared() {
        if (outside_functions()) {
            error_ = file_ + "(" + std::to_string(line_) +
                     "): error: the simulator knows __shared__ variables in functions only; declare it in the kernel\n";
            return;
        }
        bool dynamic = false;
        std::string qualifiers;
        for (size_t place = before(at_); place < tokens_.size(); place = before(place)) {
            Token& token = tokens_[place];
            if (!token.is("extern") && !token.is("static") && !token.is("volatile") && !token.is("const")) break;
            dynamic = dynamic || token.is("extern");
            if (token.is("volatile")) qualifiers += "volatile ";
            token.text.clear();
        }
        size_t begin = at_;
        size_t end = declaration_end();
        std::string declaration = qualifiers;
        for (size_t place = begin + 1; place < end; ++place) declaration += tokens_[place].text;
        std::string replaced =
            dynamic ? dynamic_declaration(begin, end, qualifiers) : static_declaration(begin, end, declaration);
        for (size_t place = begin; place < end; ++place) {
            if (tokens_[place].is("\n")) ++line_;
            tokens_[place].text.clear();
        }
        tokens_[begin].text = replaced;
        at_ = end;
    }

    // The semicolon that ends the declaration here.
    size_t declaration_end() const {
        int depth = 0;
        for (size_t place = at_; place < tokens_.size(); ++place) {
            const Token& token = tokens_[place];
            if (token.is("{") || token.is("(") || token.is("[")) ++depth;
            if (token.is("}") || token.is(")") || token.is("]")) --depth;
            if (token.is(";") && depth == 0) return place;
        }
        return tokens_.size();
    }

    // The declared names: of each declarator the last word before its dimensions.
    std::vector<std::string> names(size_t begin, size_t end) const {
        std::vector<std::string> names;
        std::string name;
        bool dimensions = false;
        int depth = 0;
        int angles = 0;
        for (size_t place = begin + 1; place < end; ++place) {
            const Token& token = tokens_[place];
            if (token.is("[") && depth == 0) dimensions = true;
            if (token.is("{") || token.is("(") || token.is("[")) ++depth;
            if (token.is("}") || token.is(")") || token.is("]")) --depth;
            if (depth != 0 || token.kind == Kind::Space) continue;
            if (token.is("<")) ++angles;
            if (token.is(">")) --angles;
            if (angles != 0) continue;
            if (token.is(",")) {
                names.push_back(name);
                dimensions = false;
            } else if (token.kind == Kind::Word && !dimensions && !token.is("__attribute__")) {
                name = token.text;
            }
        }
        names.push_back(name);
        return names;
    }

    std::string static_declaration(size_t begin, size_t end, const std::string& declaration) {
        std::string type = "cuda_sim_shared_" + std::to_string(++shared_count_);
        std::string text = "struct " + type + " {" + declaration + "; };";
        for (const std::string& name : names(begin, end)) {
            text += " auto& " + name + " = ::cuda_sim::shared<" + type + ">()." + name + ";";
        }
        return text;
    }

    // extern __shared__ __align__(16) float4 name[];
    std::string dynamic_declaration(size_t begin, size_t end, const std::string& qualifiers) {
        std::string name = names(begin, end)[0];
        std::string element = qualifiers;
        for (size_t place = begin + 1; place < end; ++place) {
            const Token& token = tokens_[place];
            if (token.is("__align__") || token.is("alignas")) {
                place = closing(place);
                continue;
            }
            // The element type ends where the name begins.
            if (token.is(name.c_str())) break;
            element += token.text;
        }
        return element + "* " + name + " = ::cuda_sim::dynamic_shared<" + element + ">()";
    }

    std::vector<Token> tokens_;
    size_t at_ = 0;
    // 'n' for a namespace or extern "C", 'b' for any other brace.
    std::string braces_;
    std::string exports_;
    std::string error_;
    std::string file_;
    long line_ = 1;
    unsigned shared_count_ = 0;
};

}  // namespace

Rewritten rewrite(const std::string& source) { return Rewriter(source).run(); }

}  // namespace sim
