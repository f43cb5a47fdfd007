// SPDX-License-Identifier: MIT
/// @file
/// Makes the completion script from the command line that the program itself reads, so that they cannot differ.
#include "completion.hpp"

#include <fmt/core.h>

#include <set>

namespace dvms {

namespace {

/// Finds the command that is being typed: the cases that follow add to its path.
constexpr const char* script_head = R"bash(# bash completion of dvs, made by: dvs completion bash
_dvs_dcs() {
  local at name node=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    [[ ${COMP_WORDS[at]} == --socket ]] && node=(--socket "${COMP_WORDS[at + 1]}")
  done
  # Names are data: compgen -W would expand them.
  while read -r name; do
    [[ $name == "$word"* ]] && COMPREPLY+=("$(printf %q "$name")")
  done < <("${COMP_WORDS[0]}" "${node[@]}" dc list --json 2>/dev/null |
    sed -n 's/^ *"name": "\(.*\)",\{0,1\}$/\1/p')
}

_dvs() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} path='' words='' at
  local IFS=$'\n'
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    case $path/${COMP_WORDS[at]} in
)bash";

/// After "--" is a program; the cases that follow are the words of each command.
constexpr const char* script_middle = R"bash(      /run/--) COMPREPLY=($(compgen -c -- "$word")) && return ;;
    esac
  done
  case $path in
)bash";

/// What comes after an option that takes a value; the case that follows has those of which nothing is known.
constexpr const char* script_tail = R"bash(  esac
  case $before in
    --socket | --config) COMPREPLY=($(compgen -f -- "$word")) && return ;;
    --dc) _dvs_dcs; return ;;
)bash";

constexpr const char* script_end = R"bash(  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [[ $path == /dc/end && $before == end ]] && _dvs_dcs
}
complete -F _dvs dvs
)bash";

using app_list = std::vector<const CLI::App*>;

app_list subcommands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

/// The options of a command and of those above it, which it takes as well.
void add_options(const CLI::App& app, bool with_values_only, std::vector<std::string>& words) {
  for (const CLI::Option* const option : app.get_options())
    for (const std::string& name : option->get_lnames()) {
      const std::string word = "--" + name;
      const bool is_wanted = !with_values_only || option->get_items_expected_max() > 0;
      if (is_wanted && std::ranges::find(words, word) == words.end()) words.push_back(word);
    }
  if (app.get_parent() != nullptr) add_options(*app.get_parent(), with_values_only, words);
}

/// The cases that find the command which is being typed, and those of the words it takes.
void add_cases(const CLI::App& app, const std::string& path, std::string& paths, std::string& words) {
  std::vector<std::string> taken;
  for (const CLI::App* const each : subcommands_of(app)) {
    const std::string below = path + "/" + each->get_name();
    paths += fmt::format("      {}) path={} ;;\n", below, below);
    taken.push_back(each->get_name());
    add_cases(*each, below, paths, words);
  }
  add_options(app, false, taken);
  words += fmt::format("    '{}') words=$'{}' ;;\n", path, CLI::detail::join(taken, "\\n"));
}

/// Gathers all options that take a value: what follows them is nobody's guess, but for those named in the script.
void add_options_with_values(const CLI::App& app, std::set<std::string>& found) {
  std::vector<std::string> here;
  add_options(app, true, here);
  found.insert(here.begin(), here.end());
  for (const CLI::App* const each : subcommands_of(app)) add_options_with_values(*each, found);
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::string paths, words;
  add_cases(app, "", paths, words);
  std::set<std::string> with_values;
  add_options_with_values(app, with_values);
  for (const char* known : {"--socket", "--config", "--dc"}) with_values.erase(known);
  return script_head + paths + script_middle + words + script_tail +
         fmt::format("    {}) return ;;\n", CLI::detail::join(with_values, "|")) + script_end;
}

}  // namespace dvms
