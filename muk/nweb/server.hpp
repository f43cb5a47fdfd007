// SPDX-License-Identifier: MIT
/// @file
/// The web server: accepts connections and gives each a fiber, an endpoint and a site of its own.
#ifndef MUK_NWEB_SERVER_HPP
#define MUK_NWEB_SERVER_HPP

#include <dvs/endpoint.hpp>
#include <dvs/stream.hpp>
#include <memory>
#include <muk/nweb/connection.hpp>
#include <utility>

namespace muk::nweb {

namespace detail {

/// What the fibers of the connections have in common; lives as long as the last of them.
struct house {
  settings limits;
  std::uint32_t guests = 0;
};

/// Answers a client for whom there is no room.
template <dvs::byte_stream Stream>
void turn_away(Stream& client) {
  constexpr std::string_view sorry =
      "HTTP/1.1 503 Service Unavailable\r\nServer: muk\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: "
      "0\r\n\r\n";
  static_cast<void>(client.write_all(std::as_bytes(std::span(sorry)), std::chrono::milliseconds(100)));
  client.close();
}

}  // namespace detail

/// Accepts connections of `listener` until the DC ends, `self` is cancelled or the listener closed, and serves to each
/// the files that a `Site<Backend>` gives (see `concept site`), which is made from the endpoint of the connection and
/// the limits.
///
///     auto listener = self.listen(limits.port).value();
///     muk::nweb::serve<muk::nweb::fs_site>(self, listener, limits);
///
/// Who is idle costs a fiber and its buffers, nobody else waits for it. When the limit of connections is reached, more
/// are answered with 503 at once.
template <template <class> class Site, dvs::backend Backend, dvs::stream_listener Listener>
dvs::result<void> serve(dvs::endpoint<Backend>& self, Listener& listener, settings limits) {
  using stream = std::remove_cvref_t<decltype(*listener.accept(dvs::forever))>;
  constexpr auto pause = std::chrono::milliseconds(100);
  const auto shared = std::make_shared<detail::house>(detail::house{std::move(limits)});
  for (;;) {
    auto accepted = listener.accept(dvs::forever);
    if (!accepted) {
      const dvs::errc why = accepted.error();
      const bool over = why == dvs::errc::shut_down || why == dvs::errc::cancelled || why == dvs::errc::not_connected;
      // Otherwise the host is short of something: later it may be better.
      if (over || !self.sleep_for(pause)) return {};
      continue;
    }
    if (shared->guests >= shared->limits.connections) {
      detail::turn_away(*accepted);
      continue;
    }
    ++shared->guests;
    auto body = [shared, client = std::move(*accepted)](dvs::endpoint<Backend>& own) mutable {
      {
        Site<Backend> pages(own, shared->limits);
        // On the heap, because its buffer would take a good part of the fiber's stack.
        std::make_unique<connection<stream, Site<Backend>>>(client, pages, shared->limits)->run();
      }
      --shared->guests;
    };
    if (!self.spawn(std::move(body), dvs::own, {.name = "nweb.client"})) --shared->guests;
  }
}

}  // namespace muk::nweb

#endif
