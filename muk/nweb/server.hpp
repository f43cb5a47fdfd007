// SPDX-License-Identifier: MIT
/// @file
/// The web server: accepts connections and gives each a fiber, an endpoint and a site of its own.
#ifndef MUK_NWEB_SERVER_HPP
#define MUK_NWEB_SERVER_HPP

#include <dvs/endpoint.hpp>
#include <memory>
#include <muk/nweb/connection.hpp>
#include <optional>
#include <utility>

namespace muk::nweb {

/// Serves the files that `Site<Backend>` gives; see `concept site`. A site is made from the endpoint of its connection
/// and the settings.
///
/// Who is idle costs a fiber and its buffers, nobody else waits for it. When the limit of connections is reached, more
/// are answered with 503 at once.
template <dvs::backend Backend, template <class> class Site>
class server {
 public:
  server(dvs::endpoint<Backend>& self, settings limits)
      : self_(self), shared_(std::make_shared<shared>(shared{std::move(limits)})) {}

  /// Begins to listen and returns the port. Errors: `busy` (taken), `access_denied`, `not_supported`.
  dvs::result<std::uint16_t> listen() {
    auto made = self_.listen(shared_->limits.port);
    if (!made) return made.error();
    listener_.emplace(std::move(*made));
    return listener_->port();
  }

  /// Accepts connections until the DC ends or the endpoint is cancelled.
  dvs::result<void> run() {
    constexpr auto pause = std::chrono::milliseconds(100);
    for (;;) {
      auto accepted = listener_->accept(dvs::forever);
      if (accepted) {
        admit(std::move(*accepted));
      } else if (accepted.error() == dvs::errc::shut_down || accepted.error() == dvs::errc::cancelled) {
        return {};
      } else if (const auto slept = self_.sleep_for(pause); !slept) {  // the host is short of something
        return {};
      }
    }
  }

 private:
  using listener = std::remove_cvref_t<decltype(*std::declval<dvs::endpoint<Backend>&>().listen(0))>;
  using stream = std::remove_cvref_t<decltype(*std::declval<listener&>().accept(dvs::forever))>;

  /// What the fibers of the connections have in common; lives as long as the last of them.
  struct shared {
    settings limits;
    std::uint32_t active = 0;
  };

  void admit(stream client) {
    if (shared_->active >= shared_->limits.connections) return turn_away(client);
    ++shared_->active;
    auto body = [common = shared_, client = std::move(client)](dvs::endpoint<Backend>& own) mutable {
      {
        Site<Backend> pages(own, common->limits);
        // Its buffer would take a good part of the fiber's stack.
        std::make_unique<connection<stream, Site<Backend>>>(client, pages, common->limits)->run();
      }
      --common->active;
    };
    if (!self_.spawn(std::move(body))) --shared_->active;
  }

  static void turn_away(stream& client) {
    constexpr std::string_view sorry =
        "HTTP/1.1 503 Service Unavailable\r\nServer: muk\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: "
        "0\r\n"
        "\r\n";
    static_cast<void>(client.write_all(std::as_bytes(std::span(sorry)), std::chrono::milliseconds(100)));
    client.close();
  }

  dvs::endpoint<Backend>& self_;
  std::shared_ptr<shared> shared_;
  std::optional<listener> listener_;
};

}  // namespace muk::nweb

#endif
