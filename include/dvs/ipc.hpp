// SPDX-License-Identifier: MIT
/// @file
/// What the author of a VOS includes: endpoints, messages, protocols, servers and grants.
#ifndef DVS_IPC_HPP
#define DVS_IPC_HPP

#include <dvs/dc.hpp>
#include <dvs/endpoint.hpp>
#include <dvs/grant.hpp>
#include <dvs/node.hpp>
#include <dvs/protocol.hpp>
#include <dvs/serve.hpp>

#endif
