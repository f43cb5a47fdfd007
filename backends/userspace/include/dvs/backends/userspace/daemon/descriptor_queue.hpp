// SPDX-License-Identifier: MIT
/// @file
/// Descriptors that came with packets and were not taken yet.
#ifndef DVS_BACKENDS_USERSPACE_DAEMON_DESCRIPTOR_QUEUE_HPP
#define DVS_BACKENDS_USERSPACE_DAEMON_DESCRIPTOR_QUEUE_HPP

#include <deque>
#include <dvs/backends/userspace/owned_descriptor.hpp>
#include <memory>

namespace dvs::userspace {

/// A descriptor that several packets carry.
using shared_descriptor = std::shared_ptr<const owned_descriptor>;

/// See the file comment. Belongs to one thread.
class descriptor_queue {
 public:
  /// More than this, and somebody sends what nobody wants.
  static constexpr std::size_t waiting_max = 256;

  void add(owned_descriptor came) { waiting_.push_back(std::move(came)); }
  /// The next one; one that is none if there is none.
  [[nodiscard]] owned_descriptor take() {
    if (waiting_.empty()) return {};
    owned_descriptor first = std::move(waiting_.front());
    waiting_.pop_front();
    return first;
  }
  [[nodiscard]] bool is_full() const { return waiting_.size() >= waiting_max; }

 private:
  std::deque<owned_descriptor> waiting_;
};

}  // namespace dvs::userspace

#endif
