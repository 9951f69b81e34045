#include "tokens.h"

#include <algorithm>
#include <cctype>

namespace sim {

namespace {

bool begins_word(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || c == '$'; }
bool continues_word(char c) { return begins_word(c) || std::isdigit(static_cast<unsigned char>(c)); }

// Where the literal that begins with the quote at `begin` ends.
size_t literal_end(const std::string& source, size_t begin) {
    char quote = source[begin];
    size_t end = begin + 1;
    while (end < source.size() && source[end] != quote && source[end] != '\n') end += source[end] == '\\' ? 2 : 1;
    return std::min(end + 1, source.size());
}

}  // namespace

// Comments are gone: the source has been preprocessed.
std::vector<Token> tokenize(const std::string& source) {
    std::vector<Token> tokens;
    bool line_begins = true;
    for (size_t begin = 0; begin < source.size();) {
        char c = source[begin];
        size_t end = begin + 1;
        Kind kind = Kind::Punctuation;
        if (c == '#' && line_begins) {
            kind = Kind::Directive;
            end = std::min(source.find('\n', begin), source.size());
        } else if (std::isspace(static_cast<unsigned char>(c))) {
            kind = Kind::Space;
        } else if (begins_word(c)) {
            kind = Kind::Word;
            while (end < source.size() && continues_word(source[end])) ++end;
        } else if (std::isdigit(static_cast<unsigned char>(c))) {
            kind = Kind::Number;
            // 1'000'000 and 1e+5 too: a digit separator must not begin a literal.
            while (end < source.size() && (continues_word(source[end]) || source[end] == '\'' || source[end] == '.'))
                ++end;
        } else if (c == '"' || c == '\'') {
            kind = Kind::Literal;
            end = literal_end(source, begin);
        }
        line_begins = c == '\n' || (line_begins && kind == Kind::Space);
        tokens.push_back({kind, source.substr(begin, end - begin)});
        begin = end;
    }
    return tokens;
}

}  // namespace sim
