// SPDX-License-Identifier: MIT
/// @file
/// A descriptor of the host that is closed with its owner.
#ifndef DVS_BACKENDS_USERSPACE_OWNED_DESCRIPTOR_HPP
#define DVS_BACKENDS_USERSPACE_OWNED_DESCRIPTOR_HPP

#include <unistd.h>

#include <utility>

namespace dvs::userspace {

/// See the file comment.
class owned_descriptor {
 public:
  owned_descriptor() = default;
  explicit owned_descriptor(int descriptor) : descriptor_(descriptor) {}
  owned_descriptor(owned_descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  owned_descriptor& operator=(owned_descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~owned_descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

}  // namespace dvs::userspace

#endif
