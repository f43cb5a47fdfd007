// SPDX-License-Identifier: MIT
/// @file
/// The checksum of a file, computed while its bytes pass by.
#ifndef MUK_FTP_CHECKSUM_HPP
#define MUK_FTP_CHECKSUM_HPP

#include <sodium.h>

#include <cstddef>
#include <muk/ftp/protocol.hpp>
#include <span>

namespace muk::ftp {

/// BLAKE2b-256 of what was added so far, in order.
class checksum {
 public:
  checksum() {
    // Chooses the code for this processor, once; when that fails the portable code remains.
    [[maybe_unused]] const int chosen = sodium_init();
    static_cast<void>(crypto_generichash_init(&state_, nullptr, 0, sizeof(digest)));
  }

  void add(std::span<const std::byte> bytes) {
    static_cast<void>(
        crypto_generichash_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
  }
  /// The checksum so far; more may be added afterwards.
  [[nodiscard]] digest value() const {
    crypto_generichash_state last = state_;
    digest made;
    static_cast<void>(crypto_generichash_final(&last, reinterpret_cast<unsigned char*>(made.data()), made.size()));
    return made;
  }

 private:
  crypto_generichash_state state_;
};

}  // namespace muk::ftp

#endif
