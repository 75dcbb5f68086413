// The head of a request as BeastHttpServer takes it: refused where a proxy in front of this server could understand it differently
// (request smuggling, RFC 9112 sections 3.2, 6.1, 6.3 and 11.2). Beast's parser is lenient there: a Transfer-Encoding that it
// does not know is taken for "no body", and the body for the next request.
//
// Only included by beast_http_server_*.cpp. Any thread.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <optional>
#include <string>
#include <variant>

#include "adapters/beast/beast_http_server_connection.h"

namespace reliant::adapters {

using RequestParser = boost::beast::http::request_parser<boost::beast::http::string_body>;

// To be called when the parser has read the head, and before it reads the body: fields that follow the body (trailers) are no
// part of the request. The body is left empty. The Refusal: 400, or 501 for codings such as gzip.
std::variant<ServerConnection::Refusal, ServerConnection::Incoming> incoming_of_head(const RequestParser& parser);

}  // namespace reliant::adapters
