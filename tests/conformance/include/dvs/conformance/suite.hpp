// SPDX-License-Identifier: MIT
/// @file
/// The conformance suite: every law beside `concept backend`, as test cases that a backend author instantiates.
///
///     #include <dvs/conformance/suite.hpp>
///     struct setup : dvs::conformance::all_fibers { ... };               // see conformance/setup.hpp
///     const dvs::conformance::suite<setup> laws;                         // and link a main of Catch2
#ifndef DVS_CONFORMANCE_SUITE_HPP
#define DVS_CONFORMANCE_SUITE_HPP

#include <dvs/conformance/bind.hpp>
#include <dvs/conformance/contexts.hpp>
#include <dvs/conformance/copies.hpp>
#include <dvs/conformance/crowd.hpp>
#include <dvs/conformance/death.hpp>
#include <dvs/conformance/grants.hpp>
#include <dvs/conformance/notify.hpp>
#include <dvs/conformance/privilege.hpp>
#include <dvs/conformance/relay.hpp>
#include <dvs/conformance/rendezvous.hpp>
#include <dvs/conformance/sendrec.hpp>
#include <dvs/conformance/server.hpp>
#include <dvs/conformance/soak.hpp>
#include <dvs/conformance/tables.hpp>
#include <dvs/conformance/waiting.hpp>
#include <dvs/conformance/watch.hpp>

namespace dvs::conformance {

/// Registers all laws for `Setup`. What the backend lacks is said by name in a test of its own.
template <setup Setup>
struct suite {
  suite() {
    ability_laws<Setup>();
    rendezvous_laws<Setup>();
    sendrec_laws<Setup>();
    relay_laws<Setup>();
    notify_laws<Setup>();
    waiting_laws<Setup>();
    bind_laws<Setup>();
    death_laws<Setup>();
    privilege_laws<Setup>();
    watch_laws<Setup>();
    grant_laws<Setup>();
    copy_laws<Setup>();
    table_laws<Setup>();
    context_laws<Setup>();
    server_laws<Setup>();
    crowd_laws<Setup>();
    soak_laws<Setup>();
  }
};

}  // namespace dvs::conformance

#endif
