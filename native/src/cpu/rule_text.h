// Conditions that can be read. A rule is written once, as a template: with numbers it decides, with these it spells
// itself out. What is known beforehand, such as the width of registers, is a bool in both and drops out of the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace talus::cpu {

class Condition {
 public:
  // Not explicit, nor is a number's below: rules mix both kinds.
  Condition(bool known)
      : known_(known), yes_{known ? "always" : "never", Joint::None}, no_{known ? "never" : "always", Joint::None} {}
  Condition(std::string yes, std::string no) : yes_{std::move(yes), Joint::None}, no_{std::move(no), Joint::None} {}

  // Words, numbers, comparisons, "not", "and", "or" and parentheses; or "always", or "never" alone.
  const std::string& text() const { return yes_.text; }

  // A comparison turns around, "and" becomes "or": there is never a "not" before a parenthesis.
  friend Condition operator!(const Condition& a) {
    Condition negated = a;
    std::swap(negated.yes_, negated.no_);
    if (negated.known_) negated.known_ = !*negated.known_;
    return negated;
  }

  friend Condition operator&&(const Condition& a, const Condition& b) {
    if (a.known_) return *a.known_ ? b : a;
    if (b.known_) return *b.known_ ? a : b;
    Condition both = a;
    both.yes_ = joined(a.yes_, Joint::And, b.yes_);
    both.no_ = joined(a.no_, Joint::Or, b.no_);
    return both;
  }

  friend Condition operator||(const Condition& a, const Condition& b) { return !(!a && !b); }

 private:
  enum class Joint { None, And, Or };
  // How a text is joined tells where it needs parentheses.
  struct Side {
    std::string text;
    Joint joint;
  };

  static std::string part(const Side& side, Joint joint) {
    return side.joint == Joint::None || side.joint == joint ? side.text : "(" + side.text + ")";
  }
  static Side joined(const Side& a, Joint joint, const Side& b) {
    return {part(a, joint) + (joint == Joint::And ? " and " : " or ") + part(b, joint), joint};
  }

  std::optional<bool> known_;
  Side yes_, no_;
};

// A number that a shape has, or one that it is compared with.
class Amount {
 public:
  Amount(int64_t number) : text_(std::to_string(number)) {}
  explicit Amount(const char* word) : text_(word) {}

  friend Amount operator*(const Amount& a, int64_t b) { return a.with(" * ", b); }
  friend Amount operator%(const Amount& a, int64_t b) { return a.with(" % ", b); }
  friend Condition operator<(const Amount& a, const Amount& b) {
    return {a.text_ + " < " + b.text_, a.text_ + " >= " + b.text_};
  }
  friend Condition operator<=(const Amount& a, const Amount& b) {
    return {a.text_ + " <= " + b.text_, a.text_ + " > " + b.text_};
  }
  friend Condition operator==(const Amount& a, const Amount& b) {
    return {a.text_ + " = " + b.text_, a.text_ + " != " + b.text_};
  }
  friend Condition operator>(const Amount& a, const Amount& b) { return !(a <= b); }
  friend Condition operator>=(const Amount& a, const Amount& b) { return !(a < b); }

 private:
  Amount with(const char* sign, int64_t b) const {
    Amount changed = *this;
    changed.text_ += sign + std::to_string(b);
    return changed;
  }

  std::string text_;
};

}  // namespace talus::cpu
