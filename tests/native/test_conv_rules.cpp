// The printed table of rules decides as the rules do: it is read here, and applied to shapes measured here.
#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <random>
#include <sstream>

#include "check.h"
#include "cpu/conv2d_choice.h"
#include "cpu/isa/conv2d_table.h"

namespace {

using talus::Conv2dParams;
using talus::cpu::ConvAlgorithm;
using talus::cpu::ConvPass;

constexpr const char* kPasses[] = {"forward", "input", "weight"};

struct Line {
  std::string kind, name, text;
};

std::vector<Line> table(int dtype) {
  const char* text = talus_conv2d_rules(dtype);
  CHECK(text != nullptr);
  std::vector<Line> lines;
  std::stringstream stream(text == nullptr ? "" : text);
  for (std::string row; std::getline(stream, row);) {
    std::stringstream fields(row);
    Line line;
    std::getline(fields, line.kind, '\t');
    std::getline(fields, line.name, '\t');
    std::getline(fields, line.text);
    CHECK(!line.kind.empty() && !line.name.empty() && !line.text.empty());
    lines.push_back(line);
  }
  return lines;
}

bool is_pass(const Line& line) {
  return std::find(std::begin(kPasses), std::end(kPasses), line.kind) != std::end(kPasses);
}

// A condition's value: "or" of "and"s of comparisons, words, "not" words and parentheses.
class Reader {
 public:
  Reader(const std::string& text, const std::map<std::string, int64_t>& words) : words_(words) {
    std::string spaced;
    for (const char c : text) spaced += c == '(' || c == ')' ? std::string(" ") + c + " " : std::string(1, c);
    std::stringstream stream(spaced);
    for (std::string token; stream >> token;) tokens_.push_back(token);
  }

  bool value() {
    const bool result = any();
    CHECK(at_ == tokens_.size());
    return result;
  }

 private:
  bool next(const char* token) {
    if (at_ == tokens_.size() || tokens_[at_] != token) return false;
    ++at_;
    return true;
  }

  bool any() {
    bool result = all();
    while (next("or")) result = all() || result;
    return result;
  }

  bool all() {
    bool result = one();
    while (next("and")) result = one() && result;
    return result;
  }

  bool one() {
    if (next("always")) return true;
    if (next("never")) return false;
    if (next("not")) return number() == 0;
    if (next("(")) {
      const bool result = any();
      CHECK(next(")"));
      return result;
    }
    const int64_t left = operand();
    if (next("<")) return left < operand();
    if (next("<=")) return left <= operand();
    if (next(">")) return left > operand();
    if (next(">=")) return left >= operand();
    if (next("=")) return left == operand();
    if (next("!=")) return left != operand();
    return left != 0;
  }

  int64_t operand() {
    const int64_t value = number();
    if (next("*")) return value * number();
    if (next("%")) return value % number();
    return value;
  }

  int64_t number() {
    if (at_ == tokens_.size()) {
      CHECK(!"the condition ends early");
      return 0;
    }
    const std::string& token = tokens_[at_++];
    if (std::isdigit(static_cast<unsigned char>(token[0]))) return std::stoll(token);
    const auto found = words_.find(token);
    check::Note note("word '" + token + "'");
    CHECK(found != words_.end());
    return found == words_.end() ? 0 : found->second;
  }

  const std::map<std::string, int64_t>& words_;
  std::vector<std::string> tokens_;
  size_t at_ = 0;
};

int64_t up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// By what the words are said to mean.
std::map<std::string, int64_t> measure(ConvPass pass, const Conv2dParams& p, int64_t lanes) {
  const bool back = pass == ConvPass::BackwardInput;
  const int64_t inputs = (back ? p.o : p.c) / p.groups, outputs = (back ? p.c : p.o) / p.groups;
  const bool pointwise = p.kh == 1 && p.kw == 1;
  int64_t high = back ? p.h : p.out_h(), wide = back ? p.w : p.out_w();
  const int64_t area = high * wide;
  // The input's gradient skips nothing: it is seen at stride 1.
  const bool skips = pointwise && p.stride_w > 1 && !back;
  const bool one_row = pointwise && (back || (p.stride_h == 1 && p.stride_w == 1)) && p.pad_h == 0 && p.pad_w == 0;
  if (one_row) wide = area, high = 1;
  return {{"inputs", inputs},
          {"outputs", outputs},
          {"fewest", std::min(inputs, outputs)},
          {"most", std::max(inputs, outputs)},
          {"weights", inputs * outputs * p.kh * p.kw},
          {"area", area},
          {"pixels", area * p.n},
          {"tiles", p.n * up(high, 4) * up(wide, 4)},
          {"row_fill", 100 * wide / (up(wide, lanes) * lanes)},
          {"depthwise", p.c == p.groups && p.o <= 2 * p.groups},
          {"pointwise", pointwise},
          {"strided", p.stride_h > 1 || p.stride_w > 1},
          {"skipping", skips},
          {"grouped", p.groups > 1 && !pointwise}};
}

// Shapes of all kinds; every rule finds some.
std::vector<std::vector<int64_t>> shapes() {
  std::mt19937 random(5);
  const auto one_of = [&](const std::vector<int64_t>& choices) { return choices[random() % choices.size()]; };
  // Groups of 32 channels for few pixels are too rare to be found.
  std::vector<std::vector<int64_t>> all = {{1, 1024, 7, 7, 1024, 3, 3, 1, 1, 1, 1, 1, 1, 32}};
  while (all.size() < 2500) {
    const int64_t groups = one_of({1, 1, 1, 1, 2, 8, 32}), kernel = one_of({1, 1, 2, 3, 3, 3, 3, 5, 7});
    const std::vector<int64_t> channels = {1, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128, 256, 512};
    const int64_t stride = one_of({1, 1, 1, 2}), pad = one_of({0, kernel / 2, 2}), dilation = one_of({1, 1, 1, 1, 2});
    const int64_t high = one_of({7, 8, 9, 14, 15, 28, 32, 56, 112}), wide = one_of({high, high, high, 10, 20});
    if (std::min(high, wide) + 2 * pad < dilation * (kernel - 1) + 1) continue;
    const int64_t wider = one_of({0, 0, 1});
    all.push_back({one_of({1, 1, 2, 8, 32}), one_of(channels) * groups, high, wide, one_of(channels) * groups, kernel,
                   std::max<int64_t>(1, kernel - wider), stride, stride, pad, pad, dilation, dilation, groups});
  }
  return all;
}

template <class T>
void table_decides_as_the_rules(int dtype) {
  const auto lines = table(dtype);
  const int64_t lanes = talus::cpu::conv2d_table().of<T>().lanes;
  std::vector<int> decided(lines.size());
  const auto all = shapes();
  for (const auto& fields : all) {
    const Conv2dParams p(fields.data());
    for (const ConvPass pass : {ConvPass::Forward, ConvPass::BackwardInput, ConvPass::BackwardWeight}) {
      const auto words = measure(pass, p, lanes);
      size_t first = 0;
      for (; first < lines.size(); ++first) {
        if (lines[first].kind != kPasses[static_cast<int>(pass)]) continue;
        bool can = false;
        for (const auto& row : talus::cpu::kConvAlgorithms)
          if (lines[first].name == row.name) can = talus::cpu::can_convolve<T>(row.algorithm, pass, p);
        if (can && Reader(lines[first].text, words).value()) break;
      }
      std::string shape = kPasses[static_cast<int>(pass)];
      for (const int64_t field : fields) shape += " " + std::to_string(field);
      check::Note note(shape);
      CHECK(first < lines.size());
      if (first == lines.size()) return;
      ++decided[first];
      CHECK(lines[first].name == talus_conv2d_algorithm(0, dtype, static_cast<int>(pass), fields.data()));
    }
  }
  // float64 has no Winograd, but its rows say so in the algorithm's own line.
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!is_pass(lines[i]) || lines[i].text == "never" || dtype != TALUS_FLOAT32) continue;
    check::Note note(lines[i].kind + " " + lines[i].name + ": " + lines[i].text);
    CHECK(decided[i] > 0);
  }
}

}  // namespace

TEST(the_printed_table_decides_as_the_rules_do) {
  for_each_isa([](const char*) {
    table_decides_as_the_rules<float>(TALUS_FLOAT32);
    table_decides_as_the_rules<double>(TALUS_FLOAT64);
  });
}

TEST(the_table_is_whole) {
  for_each_isa([](const char* isa) {
    std::map<std::string, std::string> last;
    std::map<std::string, int> rules;
    std::string conditions = " ";
    std::vector<std::string> algorithms, words;
    for (const Line& line : table(TALUS_FLOAT32)) {
      if (is_pass(line)) {
        last[line.kind] = line.name + " " + line.text;
        ++rules[line.kind];
        conditions += line.text + " ";
      } else if (line.kind == "algorithm") {
        algorithms.push_back(line.name);
      } else {
        CHECK(line.kind == "word");
        words.push_back(line.name);
      }
    }
    CHECK(rules["forward"] == 9 && rules["input"] == 9 && rules["weight"] == 8);
    CHECK(last["forward"] == "direct always" && last["input"] == "gemm always" && last["weight"] == "direct always");
    CHECK(algorithms.size() == std::size(talus::cpu::kConvAlgorithms));
    // Numbers are those of this register width, and what cannot be is left out.
    CHECK((conditions.find("pixels * 12 >= weights") != std::string::npos) == (std::string(isa) == "avx512"));
    CHECK((conditions.find("pixels * 8 >= weights") != std::string::npos) == (std::string(isa) != "avx512"));
    CHECK((conditions.find("inputs < 16") != std::string::npos) == (std::string(isa) == "avx2"));
    const bool registers = std::string(isa).rfind("avx", 0) == 0;
    CHECK((conditions.find("outputs % 16 = 0") != std::string::npos) == registers);
    for (const std::string& word : words) {
      check::Note note(word);
      const bool used = conditions.find(word) != std::string::npos;
      CHECK(used || (word == "most" && !registers));
    }
  });
}

TEST(what_is_forced_is_in_the_table) {
  CHECK(talus_conv2d_force(TALUS_CONV_BACKWARD_INPUT, "gemm") == TALUS_OK);
  const Line line = table(TALUS_FLOAT32).back();
  CHECK(line.kind == "forced" && line.name == "input" && line.text == "gemm");
  CHECK(talus_conv2d_force(TALUS_CONV_BACKWARD_INPUT, "auto") == TALUS_OK);
  CHECK(table(TALUS_FLOAT32).back().kind == "word");
}

TEST(only_floating_types_have_rules) {
  CHECK(talus_conv2d_rules(TALUS_INT64) == nullptr);
  CHECK(std::string(talus_last_error()).find("expected float32 or float64") != std::string::npos);
}
