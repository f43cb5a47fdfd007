// SPDX-License-Identifier: MIT
/// @file
/// The loop of a server: one overload `on(request, caller)` for each request of a protocol.
#ifndef DVS_SERVE_HPP
#define DVS_SERVE_HPP

#include <dvs/endpoint.hpp>
#include <vector>

namespace dvs {

namespace detail {

/// Adapts a server that is a function object to the `on` form.
template <class Function>
struct function_server {
  Function& function;
  template <class Body>
  auto on(const Body& ask, caller from) -> decltype(function(ask, from)) {
    return function(ask, from);
  }
};

template <class Server, class Body>
concept handles_by_on = requires(Server& server, const Body& ask, caller from) {
  server.on(ask, from);
};
template <class Server, class Body>
concept handles_by_call = requires(Server& server, const Body& ask, caller from) {
  server(ask, from);
};

template <class Server, class Body>
consteval bool check_handler() {
  static_assert(handles_by_on<Server, Body> || handles_by_call<Server, Body>,
                "the server has no on(const Body&, dvs::caller) for this request of its protocol");
  return true;
}

template <request Request, class Value>
answer<Request> as_answer(Value&& value) {
  return answer<Request>(std::forward<Value>(value));
}

/// Remembers who asked, for servers that want to be told of deaths.
template <class Server>
class client_list {
 public:
  void add(endpoint_id who) {
    if (!clients_.empty() && clients_.back() == who) return;
    for (auto& known : clients_)
      if (known == who) return std::swap(known, clients_.back());
    clients_.push_back(who);
  }
  template <class Endpoint>
  void report_deaths(Endpoint& self, Server& server) {
    for (std::size_t i = 0; i < clients_.size();) {
      const endpoint_id who = clients_[i];
      if (self.is_bound(who)) {
        ++i;
      } else {
        clients_[i] = clients_.back();
        clients_.pop_back();
        server.on_death(who);
      }
    }
  }

 private:
  std::vector<endpoint_id> clients_;
};

template <class Body, class Endpoint, class Server>
void dispatch(Endpoint& self, Server& server, const received& incoming) {
  const Body ask = incoming.as<Body>();
  if constexpr (request<Body>) {
    if (!incoming.is_request()) return;  // sent one way: nobody waits for the answer, so the question makes no sense
    auto reply_to = [&](const answer<Body>& given) {
      if (given.is_later()) return;
      // The caller may have given up meanwhile; that is its business, not an error of the server.
      if (given.outcome() == errc::ok)
        static_cast<void>(self.reply(incoming.from(), given.reply()));
      else
        static_cast<void>(self.reply(incoming.from(), given.outcome()));
    };
    if constexpr (handles_by_on<Server, Body>)
      reply_to(as_answer<Body>(server.on(ask, incoming.from())));
    else
      reply_to(as_answer<Body>(server(ask, incoming.from())));
  } else {
    if constexpr (handles_by_on<Server, Body>)
      server.on(ask, incoming.from());
    else
      server(ask, incoming.from());
  }
}

}  // namespace detail

/// Serves `Protocol` until the DC ends.
///
/// For each request the overload `server.on(const Request&, dvs::caller)` runs and its return value is the answer:
/// `Request::reply`, an `errc`, or a `dvs::answer<Request>`, which can also be `dvs::later`. One-way messages of the
/// protocol have overloads that return nothing. A function object works too: `server(const Request&, dvs::caller)`.
///
/// Optional members of the server:
/// - `on_notification(endpoint_id source, notification what)`;
/// - `on_death(endpoint_id who)`: a process that asked something before was unbound (system processes only);
/// - `on_unknown(const received&)`: the catch-all for types outside the protocol; without it a request of an unknown
///   type is answered with `errc::bad_call`, and any other message is dropped.
///
/// Returns success when the DC ended or the endpoint was cancelled, otherwise the error that receive gave.
template <class Protocol, backend Backend, class Server>
result<void> serve(endpoint<Backend>& self, Server&& server) {
  using server_type = std::remove_reference_t<Server>;
  Protocol::for_each([]<class Body>() { static_assert(detail::check_handler<server_type, Body>()); });
  constexpr bool wants_deaths = requires(server_type & s, endpoint_id who) { s.on_death(who); };
  [[maybe_unused]] detail::client_list<server_type> clients;
  if constexpr (wants_deaths)
    if (auto watching = self.watch_deaths(); !watching) return watching;

  for (;;) {
    const auto incoming = self.receive();
    if (!incoming) {
      if (incoming.error() == errc::shut_down || incoming.error() == errc::cancelled) return {};
      return incoming.error();
    }
    if (incoming->is_notification()) {
      const endpoint_id source = incoming->content.source;
      if constexpr (wants_deaths) {
        if (source == process_events) {
          clients.report_deaths(self, server);
          continue;
        }
      }
      if constexpr (requires { server.on_notification(source, incoming->as_notification()); })
        server.on_notification(source, incoming->as_notification());
      continue;
    }
    if constexpr (wants_deaths) clients.add(incoming->content.source);
    const bool known =
        Protocol::with(incoming->content.type, [&]<class Body>() { detail::dispatch<Body>(self, server, *incoming); });
    if (known) continue;
    if constexpr (requires { server.on_unknown(*incoming); }) {
      server.on_unknown(*incoming);
    } else if (incoming->is_request()) {
      static_cast<void>(self.reply(incoming->from(), errc::bad_call));
    }
  }
}

}  // namespace dvs

#endif
