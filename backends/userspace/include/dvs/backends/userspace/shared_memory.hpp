// SPDX-License-Identifier: MIT
/// @file
/// Memory that processes of the host share.
#ifndef DVS_BACKENDS_USERSPACE_SHARED_MEMORY_HPP
#define DVS_BACKENDS_USERSPACE_SHARED_MEMORY_HPP

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <dvs/backends/userspace/owned_descriptor.hpp>
#include <optional>
#include <system_error>

namespace dvs::userspace {

/// What a process may do with memory of another.
enum class sharing : unsigned char { look, write };

/// A file in memory whose size nobody can change, so that no access to it can fail. Throws `std::system_error`.
[[nodiscard]] inline owned_descriptor make_memory_file(const char* name, std::size_t bytes) {
  owned_descriptor made(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (made.get() < 0 || ::ftruncate(made.get(), static_cast<off_t>(bytes)) != 0 ||
      ::fcntl(made.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)
    throw std::system_error(errno, std::system_category(), "memory to share");
  return made;
}

/// Forbids others to write a memory file that is mapped already, and any change of what it forbids. False: it cannot.
[[nodiscard]] inline bool seal_memory_file(const owned_descriptor& file, sharing others_may) {
  const int against_writing = others_may == sharing::look ? F_SEAL_FUTURE_WRITE : 0;
  return ::fcntl(file.get(), F_ADD_SEALS, against_writing | F_SEAL_SEAL) == 0;
}

/// Whether a descriptor that came from elsewhere is memory of this size, and stays so.
[[nodiscard]] inline bool is_sealed_memory(const owned_descriptor& file, std::size_t bytes, sharing others_may) {
  const int seals = ::fcntl(file.get(), F_GET_SEALS);
  int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (others_may == sharing::look) wanted |= F_SEAL_FUTURE_WRITE;
  struct stat about {};
  return seals >= 0 && (seals & wanted) == wanted && ::fstat(file.get(), &about) == 0 &&
         about.st_size == static_cast<off_t>(bytes);
}

/// A mapping of a memory file.
class shared_memory {
 public:
  shared_memory() = default;
  /// Throws `std::system_error`.
  shared_memory(const owned_descriptor& file, std::size_t bytes, sharing may)
      : bytes_(bytes),
        memory_(::mmap(nullptr, bytes, may == sharing::write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
                       file.get(), 0)) {
    if (memory_ == MAP_FAILED) throw std::system_error(errno, std::system_category(), "memory that is shared");
  }
  shared_memory(shared_memory&& other) noexcept
      : bytes_(std::exchange(other.bytes_, 0)), memory_(std::exchange(other.memory_, nullptr)) {}
  shared_memory& operator=(shared_memory&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~shared_memory() {
    if (memory_ != nullptr) ::munmap(memory_, bytes_);
  }

  /// What lies there; zeros are a value of `T`, and so is anything else.
  template <class T>
  [[nodiscard]] T& as() const {
    static_assert(alignof(T) <= 4096);
    return *static_cast<T*>(memory_);
  }

 private:
  std::size_t bytes_ = 0;
  void* memory_ = nullptr;
};

}  // namespace dvs::userspace

#endif
