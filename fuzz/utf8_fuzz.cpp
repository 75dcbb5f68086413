// Bytes that become text: the first byte is the place at which they are cut, which must not matter, the second the size limit.
#include <algorithm>
#include <string>

#include "base/utf8.h"
#include "fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reliant;
  if (size < 2) return 0;
  const std::string_view bytes = fuzz::text_of(data + 2, size - 2);
  const std::string text = text_from_bytes(bytes);
  RELIANT_ASSERT(is_valid_utf8(text), "text is UTF-8");
  RELIANT_ASSERT(!is_valid_utf8(bytes) || text == bytes, "valid text stays unchanged");
  RELIANT_ASSERT(text_from_bytes(text) == text, "once is enough");

  const std::size_t cut = data[0] % (bytes.size() + 1);
  Utf8Stream stream;
  std::string pieces = stream.feed(bytes.substr(0, cut));
  RELIANT_ASSERT(is_valid_utf8(pieces), "each piece is text");
  pieces += stream.feed(bytes.substr(cut));
  pieces += stream.finish();
  RELIANT_ASSERT(pieces == text, "where bytes are cut does not matter");

  const std::size_t limit = data[1];
  const std::string bounded = text_from_bytes(bytes, limit);
  RELIANT_ASSERT(bounded.size() <= limit && is_valid_utf8(bounded), "bounded text is text");
  RELIANT_ASSERT(text.starts_with(bounded), "it is the beginning of the whole");
  RELIANT_ASSERT(bounded.size() + 4 > std::min(limit, text.size()), "no more than a character is left out");
  return 0;
}
