// A bus message as nats.c's, and back.
//
// nats.c loses header values that are empty and trims the others: such values go over the wire as "=%" and hexadecimal digits.
#pragma once

#include <string>
#include <string_view>

#include <nats/nats.h>

#include "ports/bus.h"

namespace reliant::adapters {

// What a header value is on the wire, and back.
std::string nats_header_value(std::string value);
std::string value_of_nats_header(std::string_view header);

// The header values of a message that has several of one name: the first.
ports::BusMessage taken(natsMsg* message);
// Header values are those of the wire.
natsStatus publish(natsConnection* connection, const ports::BusMessage& message);

}  // namespace reliant::adapters
