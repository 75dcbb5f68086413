// The compiled part of Boost.JSON, here so that the profile holds for it, too (tools/pgo/update).
#include <boost/json/src.hpp>
