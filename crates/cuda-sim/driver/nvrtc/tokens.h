// The tokens of a preprocessed source.
#pragma once

#include <string>
#include <vector>

namespace sim {

enum class Kind { Space, Word, Number, Literal, Punctuation, Directive };

struct Token {
    Kind kind;
    std::string text;

    bool is(const char* other) const { return text == other; }
};

// Splits a source: all texts together are the source again.
std::vector<Token> tokenize(const std::string& source);

}  // namespace sim
