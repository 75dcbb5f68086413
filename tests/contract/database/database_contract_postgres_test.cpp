#include "contract/database/database_contract_postgres.h"

#include "contract/database/database_contract.h"

namespace reliant::tests {

INSTANTIATE_TYPED_TEST_SUITE_P(Postgres, DatabaseContract, PostgresWorld);

}  // namespace reliant::tests
