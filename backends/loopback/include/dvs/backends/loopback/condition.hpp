// SPDX-License-Identifier: MIT
/// @file
/// What fibers wait on for something that is not a message.
#ifndef DVS_BACKENDS_LOOPBACK_CONDITION_HPP
#define DVS_BACKENDS_LOOPBACK_CONDITION_HPP

#include <deque>
#include <dvs/backends/loopback/port.hpp>

namespace dvs::loopback {

class condition {
 public:
  errc wait(port& self, timeout limit) {
    if (limit.is_zero()) return errc::would_block;
    waiting_.push_back(&self);
    const errc ended = self.rest(limit);
    std::erase(waiting_, &self);
    return ended;
  }
  void wake_one() {
    if (waiting_.empty()) return;
    port& first = *waiting_.front();
    waiting_.pop_front();
    first.rouse(errc::ok);
  }
  void wake_all() {
    while (!waiting_.empty()) wake_one();
  }

 private:
  std::deque<port*> waiting_;
};

}  // namespace dvs::loopback

#endif
