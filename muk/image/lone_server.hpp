// SPDX-License-Identifier: MIT
/// @file
/// One server of a configuration, alone in this process: the others are elsewhere.
#ifndef MUK_IMAGE_LONE_SERVER_HPP
#define MUK_IMAGE_LONE_SERVER_HPP

#include <chrono>
#include <exception>
#include <muk/image/host_signals.hpp>
#include <muk/image/parts.hpp>
#include <muk/image/report.hpp>
#include <string>

namespace muk {

/// Runs a server in the calling context until it is asked to leave, by its DC or by a signal. It joins the DC of the
/// configuration, which must be there. True when everything went well.
template <image_part Part, dvs::backend Backend>
bool run_alone(dvs::node<Backend>& node, const config::unikernel& config, report& events, host_signals& signals) {
  const auto complain = [&](const std::string& why) {
    events.complain(std::string(Part::name) + ": " + why);
    return false;
  };
  const auto where = Part::where(config);
  if (!where) return complain("the configuration gives it no endpoint");
  auto dc = node.open_dc(config.name);
  auto self = dc.bind(*where, {.name = Part::name});
  if (!self) return complain(dvs::sentence_of(self.error()));
  signals.listen([&] { static_cast<void>(dc.unbind(*where, dvs::timeout(std::chrono::seconds(0)))); });
  surroundings<Backend> around{config, dc, date_at_start(**self)};
  std::string failure;
  try {
    const auto ready = [&](const std::string& detail) { events.ready(Part::name, *where, detail); };
    const auto ended = Part::run(**self, around, ready);
    if (!ended) failure = dvs::sentence_of(ended.error());
  } catch (const std::exception& why) {
    failure = why.what();
  }
  signals.ignore();
  self = dvs::errc::not_bound;
  return failure.empty() || complain(failure);
}

/// Runs the part that is called `name`; false, and a complaint, if there is none or it fails.
template <image_part... Parts, dvs::backend Backend>
bool run_alone_by_name(std::string_view name, dvs::node<Backend>& node, const config::unikernel& config, report& events,
                       host_signals& signals) {
  bool is_known = false, well = false;
  const auto run_if_named = [&]<class Part>(const Part&) {
    if (Part::name != name) return;
    is_known = true;
    well = run_alone<Part>(node, config, events, signals);
  };
  (run_if_named(Parts{}), ...);
  if (!is_known) events.complain("there is no server " + std::string(name));
  return well;
}

}  // namespace muk

#endif
