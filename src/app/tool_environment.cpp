#include "app/tool_environment.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "app/process_secrets.h"
#include "base/split.h"
#include "base/text.h"

namespace reliant::app {
namespace {

// The README's section "The tools daemon" has the same list. Nothing here is a credential by its purpose; a proxy's URL may
// hold one, and no program reaches the network without it where there is a proxy.
constexpr std::string_view kToolVariables[] = {
    // the session
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TERM", "COLORTERM", "NO_COLOR", "TZ", "TMPDIR",
    "TMP", "TEMP", "EDITOR", "PAGER", "XDG_*",
    // the network
    "http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY",
    "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    // toolchains: where they are and how they build
    "CC", "CXX", "CPP", "LD", "AR", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "MAKEFLAGS", "CPATH", "LIBRARY_PATH",
    "LD_LIBRARY_PATH", "PKG_CONFIG_PATH", "CMAKE_PREFIX_PATH", "CMAKE_GENERATOR", "CCACHE_DIR", "GOPATH", "GOROOT", "GOBIN",
    "GOCACHE", "GOMODCACHE", "GOFLAGS", "GOPROXY", "GOPRIVATE", "GOTOOLCHAIN", "CARGO_HOME", "CARGO_TARGET_DIR", "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN", "RUSTFLAGS", "JAVA_HOME", "JDK_HOME", "MAVEN_HOME", "M2_HOME", "GRADLE_HOME", "GRADLE_USER_HOME",
    "SDKMAN_DIR", "ANDROID_HOME", "ANDROID_SDK_ROOT", "NVM_*", "NODE_PATH", "NODE_OPTIONS", "NPM_CONFIG_PREFIX", "VOLTA_HOME",
    "PNPM_HOME", "BUN_INSTALL", "DENO_DIR", "PYENV_*", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV", "CONDA_EXE", "RBENV_*", "GEM_HOME", "GEM_PATH", "BUNDLE_PATH", "DOTNET_ROOT", "ASDF_*", "NIX_PATH",
    "NIX_PROFILES", "HOMEBREW_PREFIX"};

bool fits(std::string_view name, std::string_view pattern) {
  if (!pattern.ends_with('*')) return name == pattern;
  pattern.remove_suffix(1);
  return name.starts_with(pattern) && !is_own_secret(name);
}

bool is_pattern(std::string_view text) {
  if (text.ends_with('*')) text.remove_suffix(1);
  return !text.empty() && text.find_first_of("=* ") == std::string_view::npos;
}

}  // namespace

std::span<const std::string_view> tool_variables() { return kToolVariables; }

Result<std::vector<std::string>> tool_env_of(const Arguments& arguments) {
  std::vector<std::string> patterns;
  for (const std::string& given : arguments.list("--tool-env")) {
    for (const std::string_view part : split_at_commas(given)) {
      if (part.empty()) continue;
      if (!is_pattern(part)) {
        const std::string from = arguments.origin("--tool-env");
        return invalid_field(from, concat(from, " has \"", part, "\"; give the name of a variable, or PREFIX_*"));
      }
      patterns.emplace_back(part);
    }
  }
  return patterns;
}

std::vector<std::string> environment_of_tools(const Environment& environment, const std::vector<std::string>& more) {
  std::vector<std::string> out;
  for (const auto& [name, value] : environment.variables()) {
    const auto allows = [&name](std::string_view pattern) { return fits(name, pattern); };
    if (std::ranges::any_of(kToolVariables, allows) || std::ranges::any_of(more, allows))
      out.push_back(concat(name, "=", value));
  }
  return out;
}

std::vector<std::string> own_paths(std::vector<std::string> more, const std::string& data_dir) {
  more.push_back(data_dir);
  more.push_back(concat("/proc/", ::getpid()));
  return more;
}

}  // namespace reliant::app
