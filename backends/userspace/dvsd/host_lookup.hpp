// SPDX-License-Identifier: MIT
/// @file
/// Looks up where a host is by its name, again and again, since it may move or not be known yet.
#ifndef DVSD_HOST_LOOKUP_HPP
#define DVSD_HOST_LOOKUP_HPP

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>

namespace dvsd {

/// Calls `found(address)`, on the loop, with the address in numbers: at first and whenever it is another. A resolver
/// may take its time; it does so on a thread of Asio's.
class host_lookup {
 public:
  using address_handler = std::function<void(const std::string&)>;

  host_lookup(boost::asio::io_context& loop, std::string host, bool is_v6, address_handler found)
      : resolver_(loop), timer_(loop), host_(std::move(host)), is_v6_(is_v6), found_(std::move(found)) {
    look();
  }

 private:
  using udp = boost::asio::ip::udp;
  static constexpr std::chrono::seconds until_known{2}, afterwards{30};

  void look() {
    resolver_.async_resolve(is_v6_ ? udp::v6() : udp::v4(), host_, "", [this](const auto& failed, const auto& all) {
      if (failed == boost::asio::error::operation_aborted) return;
      if (!failed && !all.empty()) {
        const std::string address = all.begin()->endpoint().address().to_string();
        if (std::exchange(address_, address) != address) found_(address);
      }
      timer_.expires_after(address_.empty() ? until_known : afterwards);
      timer_.async_wait([this](const auto& stopped) {
        if (!stopped) look();
      });
    });
  }

  udp::resolver resolver_;
  boost::asio::steady_timer timer_;
  const std::string host_;
  const bool is_v6_;
  const address_handler found_;
  std::string address_;
};

}  // namespace dvsd

#endif
