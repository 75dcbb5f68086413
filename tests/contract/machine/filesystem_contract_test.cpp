#include "contract/machine/filesystem_contract.h"

#include <filesystem>

#include <sys/stat.h>

#include "support/machine_worlds.h"

namespace reliant::tests {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Posix, FilesystemContract, PosixMachine);
INSTANTIATE_TYPED_TEST_SUITE_P(Simulated, FilesystemContract, SimulatedMachine);

class PosixFiles : public FilesystemContract<PosixMachine> {
 protected:
  unsigned mode(std::string_view name) {
    struct stat info{};
    EXPECT_EQ(::stat(path(name).c_str(), &info), 0);
    return info.st_mode & 07777u;
  }
};

TEST_F(PosixFiles, GivesANewFileItsModeAndLeavesAnOldOneIts) {
  EXPECT_TRUE(get(files().write(path("secret"), "x", 0600)).ok());
  EXPECT_EQ(mode("secret"), 0600u);
  EXPECT_EQ(::chmod(path("secret").c_str(), 0755), 0);
  EXPECT_TRUE(get(files().write(path("secret"), "y", 0600)).ok());
  EXPECT_EQ(mode("secret"), 0755u);
}

TEST_F(PosixFiles, WritesThroughASymbolicLinkAndLeavesItOne) {
  write("real", "old");
  std::filesystem::create_symlink(path("real"), path("link"));
  write("link", "new");
  EXPECT_EQ(read("real"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  EXPECT_EQ(*get(files().canonical(path("link"))), path("real"));
}

TEST_F(PosixFiles, ListsALinkToADirectoryAsSomethingElse) {
  make_directory("d");
  write("f", "");
  std::filesystem::create_symlink(path("d"), path("to-d"));
  std::filesystem::create_symlink(path("f"), path("to-f"));
  std::filesystem::create_symlink(path("nowhere"), path("to-nothing"));
  const auto entries = get(files().list(world_.directory()));
  ASSERT_EQ(entries->size(), 5u);
  EXPECT_EQ((*entries)[2].kind, Kind::kOther);
  EXPECT_EQ((*entries)[3].kind, Kind::kFile);
  EXPECT_EQ((*entries)[4].kind, Kind::kOther);
}

TEST_F(PosixFiles, RefusesWhatIsClosedThroughSymbolicLinksAndProc) {
  make_directory("own");
  write("own/key", "secret");
  std::filesystem::create_symlink(path("own"), path("to-own"));
  std::filesystem::create_symlink(path("own/key"), path("to-key"));
  std::filesystem::create_symlink(path("to-key"), path("to-link"));
  world_.close_paths({path("to-own")});  // named by a link itself
  for (const std::string_view name : {"own/key", "to-own/key", "to-key", "to-link"}) {
    EXPECT_EQ(read_error(path(name)), StatusCode::kPermissionDenied) << name;
    EXPECT_EQ(get(files().write(path(name), "z", 0600)).code(), StatusCode::kPermissionDenied) << name;
  }
  EXPECT_EQ(get(files().list(path("to-own"))).status().code(), StatusCode::kPermissionDenied);
  EXPECT_EQ(read_error(concat("/proc/self/root", path("own/key"))), StatusCode::kPermissionDenied);
  std::filesystem::remove(path("to-own"));
  EXPECT_EQ(read_error(path("own/key")), StatusCode::kPermissionDenied) << "closed as what it was when it was closed";
}

TEST_F(PosixFiles, DoesNotHangOnAFifo) {
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_error(path("fifo")), StatusCode::kFailedPrecondition);
}

TEST_F(PosixFiles, ReadsFilesThatDoNotKnowTheirSize) {
  EXPECT_FALSE(get(files().read("/proc/self/status", kLimit))->empty());
  EXPECT_EQ(get(files().read("/proc/self/status", 10)).status().code(), StatusCode::kResourceExhausted);
}

TEST_F(PosixFiles, MayBeAbandonedAtAnyTime) {
  for (int i = 0; i < 20; ++i) {
    TaskScope scope(world_.scope().context());
    bool started = false;
    scope.spawn([](ports::Filesystem& all, std::string where, bool& begun) -> Task<void> {
      begun = true;
      (void)co_await all.write(std::move(where), "x", 0600);
    }(files(), path("abandoned"), started));
    world_.run([&] { return started; });
  }
  EXPECT_EQ(read("abandoned"), "x");  // the calls are carried out in order, so all of them were
}

TEST(SimulatedDisk, IsFullAtItsCapacityAndFailsWhenTold) {
  sim::SimDisk disk;
  disk.set_capacity(5);
  EXPECT_TRUE(disk.write("/a", "1234", {}).ok());
  EXPECT_EQ(disk.write("/b", "12", {}).code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(disk.write("/a", "12345", {}).ok());
  EXPECT_TRUE(disk.remove("/a").ok());
  EXPECT_TRUE(disk.write("/b", "12", {}).ok());
  EXPECT_EQ(disk.used(), 2u);
}

TEST(SimulatedDisk, NeverShowsHalfAWriteWhateverTheMomentOfTheCrash) {
  bool saw_old = false;
  bool saw_new = false;
  for (std::uint64_t steps = 1; steps < 6; ++steps) {
    Executor executor(1);
    sim::SimDisk disk;
    const sim::SimDiskFaults faults;
    EXPECT_TRUE(disk.write("/a", "old", {}).ok());
    sim::SimFilesystem files(disk, faults, Random(1));
    TaskScope scope(executor, 1);
    scope.spawn([](sim::SimFilesystem& all) -> Task<void> { (void)co_await all.write("/a", "new", 0600); }(files));
    executor.run(steps);
    const std::string content = *disk.content("/a");
    saw_old = saw_old || content == "old";
    saw_new = saw_new || content == "new";
    EXPECT_TRUE(content == "old" || content == "new");
  }
  EXPECT_TRUE(saw_old && saw_new);
}

}  // namespace
}  // namespace reliant::tests
