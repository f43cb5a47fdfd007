// SPDX-License-Identifier: MIT
/// @file
/// The smallest type that is a `dvs::backend`: every operation says `not_supported`, and there is nothing besides.
#ifndef DVS_TESTS_ARCHETYPES_BACKEND_HPP
#define DVS_TESTS_ARCHETYPES_BACKEND_HPP

#include <dvs/backend.hpp>

#include "streams.hpp"

namespace archetype {

/// Neither copied nor moved, and made by its DC only.
struct port {
  port(const port&) = delete;
  port& operator=(const port&) = delete;

  dvs::endpoint_id id() const { return dvs::none; }
  dvs::errc send(dvs::endpoint_id, const dvs::message&, dvs::timeout) { return dvs::errc::not_supported; }
  dvs::errc receive(dvs::endpoint_id, dvs::timeout, dvs::incoming&) { return dvs::errc::not_supported; }
  dvs::errc receive_request(dvs::timeout, dvs::incoming&) { return dvs::errc::not_supported; }
  dvs::errc sendrec(dvs::endpoint_id, dvs::message&, dvs::timeout) { return dvs::errc::not_supported; }
  dvs::errc reply(dvs::endpoint_id, std::uint32_t, const dvs::message&) { return dvs::errc::not_supported; }
  dvs::errc relay(dvs::endpoint_id, std::uint32_t, dvs::endpoint_id, const dvs::message&) {
    return dvs::errc::not_supported;
  }
  dvs::errc notify(dvs::endpoint_id, std::uint64_t) { return dvs::errc::not_supported; }
  dvs::errc notify_as(dvs::endpoint_id, dvs::endpoint_id, std::uint64_t) { return dvs::errc::not_supported; }
  dvs::result<dvs::grant_id> grant(dvs::endpoint_id, std::byte*, std::size_t, dvs::access) {
    return dvs::errc::not_supported;
  }
  dvs::result<dvs::grant_id> grant_indirect(dvs::endpoint_id, dvs::granted_range, std::size_t, dvs::access) {
    return dvs::errc::not_supported;
  }
  dvs::errc revoke(dvs::grant_id) { return dvs::errc::not_supported; }
  dvs::errc copy_from(dvs::granted_range, std::span<std::byte>) { return dvs::errc::not_supported; }
  dvs::errc copy_into(dvs::granted_range, std::span<const std::byte>) { return dvs::errc::not_supported; }
  dvs::errc copy_between(dvs::granted_range, dvs::granted_range, std::size_t) { return dvs::errc::not_supported; }
  dvs::errc vcopy(dvs::endpoint_id, std::uint64_t, dvs::endpoint_id, std::uint64_t, std::size_t) {
    return dvs::errc::not_supported;
  }
  dvs::errc wait_bind(dvs::endpoint_id, dvs::timeout) { return dvs::errc::not_supported; }
  dvs::errc wait_unbind(dvs::endpoint_id, dvs::timeout) { return dvs::errc::not_supported; }
  dvs::errc watch_deaths() { return dvs::errc::not_supported; }
  bool is_bound(dvs::endpoint_id) { return false; }
  dvs::duration now() { return dvs::duration::zero(); }
  dvs::errc sleep_for(dvs::duration) { return dvs::errc::not_supported; }
  dvs::errc set_alarm(dvs::timeout) { return dvs::errc::not_supported; }
  std::uint64_t random() { return 0; }
  void yield() {}
  template <class Body>
  dvs::result<dvs::endpoint_id> spawn_fiber(dvs::endpoint_id, const dvs::bind_options&, Body) {
    return dvs::errc::not_supported;
  }
  dvs::result<listener> listen(std::uint16_t) { return dvs::errc::not_supported; }

 private:
  friend struct dc;
  port() = default;
};

struct dc {
  dc(const dc&) = delete;
  dc& operator=(const dc&) = delete;

  dvs::result<port*> bind(dvs::endpoint_id, const dvs::bind_options&) { return &only_; }
  dvs::result<dvs::endpoint_id> bind_thread(int, dvs::endpoint_id, const dvs::bind_options&) {
    return dvs::errc::not_supported;
  }
  dvs::result<port*> wait_for_own_bind(dvs::timeout) { return dvs::errc::not_supported; }
  void unbind(port&) {}
  dvs::errc unbind(dvs::endpoint_id, dvs::timeout) { return dvs::errc::not_supported; }
  dvs::errc cancel(dvs::endpoint_id) { return dvs::errc::not_supported; }
  template <class Body>
  dvs::result<dvs::endpoint_id> spawn_fiber(dvs::endpoint_id, const dvs::bind_options&, Body) {
    return dvs::errc::not_supported;
  }
  dvs::errc set_privileges(dvs::endpoint_id, const dvs::privileges&) { return dvs::errc::not_supported; }
  dvs::result<dvs::privileges> privileges_of(dvs::endpoint_id) { return dvs::errc::not_supported; }
  dvs::result<dvs::endpoint_id> find(std::string_view) { return dvs::errc::not_supported; }
  std::vector<dvs::process_info> processes() { return {}; }
  dvs::dc_info info() { return {}; }
  void join() {}
  void end() {}

 private:
  friend struct node;
  dc() = default;
  port only_;
};

struct node {
  node() = default;
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  dvs::result<std::unique_ptr<dc>> create_dc(std::string_view, const dvs::dc_options&) {
    return std::unique_ptr<dc>(new dc);
  }
  dvs::result<std::unique_ptr<dc>> open_dc(std::string_view) { return dvs::errc::no_entry; }
  std::vector<dvs::dc_info> dcs() { return {}; }
  dvs::node_id id() const { return dvs::node_id{0}; }
};

struct condition {
  condition() = default;
  condition(const condition&) = delete;
  condition& operator=(const condition&) = delete;

  dvs::errc wait(port&, dvs::timeout) { return dvs::errc::not_supported; }
  void wake_one() {}
  void wake_all() {}
};

struct backend {
  using node = archetype::node;
  using dc = archetype::dc;
  using port = archetype::port;
  using condition = archetype::condition;
  static constexpr std::string_view name = "archetype";
  static constexpr dvs::abilities abilities{.threads = false, .streams = false};
};
static_assert(dvs::backend<backend>);

}  // namespace archetype

#endif
