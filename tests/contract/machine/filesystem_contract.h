// What every Filesystem promises, as tests. A world gives `scope()`, `filesystem()`, `directory()` (empty)
// and `run(done)`.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ports/filesystem.h"
#include "runtime/scope.h"

namespace reliant::tests {

template <class World>
class FilesystemContract : public ::testing::Test {
 protected:
  using Kind = ports::FileInfo::Kind;
  static constexpr std::size_t kLimit = 1 << 20;

  template <class T>
  T get(Task<T> task) {
    std::optional<T> value;
    TaskScope scope(world_.scope().context());
    scope.spawn(keep(std::move(task), value));
    EXPECT_TRUE(world_.run([&] { return value.has_value(); })) << "a call of the contract suite did not end";
    return *std::move(value);
  }
  ports::Filesystem& files() { return world_.filesystem(); }
  std::string path(std::string_view name) { return concat(world_.directory(), "/", name); }
  void write(std::string_view name, std::string content) {
    const Status status = get(files().write(path(name), std::move(content), 0644));
    EXPECT_TRUE(status.ok()) << status;
  }
  std::string read(std::string_view name) {
    auto content = get(files().read(path(name), kLimit));
    EXPECT_TRUE(content.ok()) << content.status();
    return content.value_or("");
  }
  StatusCode read_error(std::string path) { return get(files().read(std::move(path), kLimit)).status().code(); }
  void make_directory(std::string_view name) {
    const Status status = get(files().make_directories(path(name)));
    EXPECT_TRUE(status.ok()) << status;
  }

  World world_;

 private:
  template <class T>
  static Task<void> keep(Task<T> task, std::optional<T>& value) {
    value.emplace(co_await std::move(task));
  }
};

TYPED_TEST_SUITE_P(FilesystemContract);

TYPED_TEST_P(FilesystemContract, ReadsWhatWasWritten) {
  const std::string bytes("all\0bytes\xff\n", 11);
  this->write("a", bytes);
  EXPECT_EQ(this->read("a"), bytes);
  this->write("a", "");
  EXPECT_EQ(this->read("a"), "");
  this->write("a", std::string(300'000, 'x'));
  EXPECT_EQ(this->read("a"), std::string(300'000, 'x'));
}

TYPED_TEST_P(FilesystemContract, RefusesToReadMoreThanTheLimit) {
  this->write("a", "12345");
  EXPECT_EQ(this->get(this->files().read(this->path("a"), 4)).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(*this->get(this->files().read(this->path("a"), 5)), "12345");
}

TYPED_TEST_P(FilesystemContract, TellsWhyAReadFails) {
  this->write("file", "x");
  EXPECT_EQ(this->read_error(this->path("missing")), StatusCode::kNotFound);
  EXPECT_EQ(this->read_error(this->world_.directory()), StatusCode::kFailedPrecondition);
  EXPECT_EQ(this->read_error(this->path("file/below")), StatusCode::kFailedPrecondition);
  EXPECT_EQ(this->read_error("relative"), StatusCode::kInvalidArgument);
  EXPECT_EQ(this->read_error(""), StatusCode::kInvalidArgument);
  EXPECT_EQ(this->read_error(std::string("/a\0b", 4)), StatusCode::kInvalidArgument);
}

TYPED_TEST_P(FilesystemContract, TellsWhyAWriteFails) {
  this->make_directory("directory");
  auto write = [&](std::string path) { return this->get(this->files().write(std::move(path), "x", 0644)).code(); };
  EXPECT_EQ(write(this->path("missing/file")), StatusCode::kNotFound);
  EXPECT_EQ(write(this->path("directory")), StatusCode::kFailedPrecondition);
  EXPECT_EQ(write("relative"), StatusCode::kInvalidArgument);
  EXPECT_EQ(this->get(this->files().list(this->world_.directory()))->size(), 1u) << "a failed write left something";
}

TYPED_TEST_P(FilesystemContract, DescribesFilesAndDirectories) {
  this->write("file", "12345");
  const auto file = this->get(this->files().info(this->path("file")));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->kind, ports::FileInfo::Kind::kFile);
  EXPECT_EQ(file->size, 5u);
  EXPECT_GT(file->modified, WallTime());
  EXPECT_EQ(this->get(this->files().info(this->world_.directory()))->kind, ports::FileInfo::Kind::kDirectory);
  EXPECT_EQ(this->get(this->files().info(this->path("missing"))).status().code(), StatusCode::kNotFound);
}

TYPED_TEST_P(FilesystemContract, ListsByName) {
  this->write("b", "");
  this->write("a", "");
  this->write("a.c", "");
  this->make_directory("a-d/below");
  const auto entries = this->get(this->files().list(this->world_.directory()));
  ASSERT_TRUE(entries.ok()) << entries.status();
  std::vector<std::string> names;
  for (const auto& entry : *entries) {
    names.push_back(entry.name);
    EXPECT_EQ(entry.kind == ports::FileInfo::Kind::kDirectory, entry.name == "a-d");
  }
  EXPECT_EQ(names, (std::vector<std::string>{"a", "a-d", "a.c", "b"}));
  EXPECT_EQ(this->get(this->files().list(this->path("missing"))).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(this->get(this->files().list(this->path("a"))).status().code(), StatusCode::kFailedPrecondition);
}

TYPED_TEST_P(FilesystemContract, MakesDirectoriesThatMayBeThereAlready) {
  this->make_directory("x/y/z");
  this->make_directory("x/y/z");
  this->make_directory("x");
  this->write("x/y/z/file", "in");
  EXPECT_EQ(this->read("x/y/z/file"), "in");
  EXPECT_EQ(this->get(this->files().make_directories(this->path("x/y/z/file"))).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(this->get(this->files().make_directories(this->path("x/y/z/file/w"))).code(), StatusCode::kFailedPrecondition);
}

TYPED_TEST_P(FilesystemContract, RemovesFilesAndEmptyDirectories) {
  this->make_directory("d");
  this->write("d/f", "x");
  EXPECT_EQ(this->get(this->files().remove(this->path("d"))).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(this->get(this->files().remove(this->path("d/f"))).ok());
  EXPECT_TRUE(this->get(this->files().remove(this->path("d"))).ok());
  EXPECT_EQ(this->get(this->files().remove(this->path("d"))).code(), StatusCode::kNotFound);
}

TYPED_TEST_P(FilesystemContract, RenamesOverAFileButNotOverADirectory) {
  this->write("a", "new");
  this->write("b", "old");
  EXPECT_TRUE(this->get(this->files().rename(this->path("a"), this->path("b"))).ok());
  EXPECT_EQ(this->read("b"), "new");
  EXPECT_EQ(this->read_error(this->path("a")), StatusCode::kNotFound);
  this->make_directory("d");
  EXPECT_EQ(this->get(this->files().rename(this->path("b"), this->path("d"))).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(this->get(this->files().rename(this->path("a"), this->path("c"))).code(), StatusCode::kNotFound);
}

TYPED_TEST_P(FilesystemContract, MovesADirectoryWithAllBelow) {
  this->make_directory("d/e");
  this->write("d/e/f", "deep");
  EXPECT_TRUE(this->get(this->files().rename(this->path("d"), this->path("g"))).ok());
  EXPECT_EQ(this->read("g/e/f"), "deep");
  EXPECT_EQ(this->get(this->files().info(this->path("d"))).status().code(), StatusCode::kNotFound);
}

TYPED_TEST_P(FilesystemContract, ResolvesDotsInPaths) {
  this->make_directory("d");
  this->write("d/f", "x");
  EXPECT_EQ(*this->get(this->files().canonical(this->path("d/../d/./f"))), this->path("d/f"));
  EXPECT_EQ(this->get(this->files().canonical(this->path("d/missing"))).status().code(), StatusCode::kNotFound);
}

TYPED_TEST_P(FilesystemContract, RefusesWhatIsClosed) {
  this->make_directory("own/below");
  this->write("own/key", "secret");
  this->write("own-notes", "x");
  this->write("other", "y");
  this->world_.close_paths({this->path("own"), this->path("later")});
  auto& files = this->files();
  for (const std::string_view name : {"own/key", "own/../own/./key", "own/below/../key"}) {
    const Status refused = this->get(files.read(this->path(name), this->kLimit)).status();
    EXPECT_EQ(refused.code(), StatusCode::kPermissionDenied) << name;
    EXPECT_NE(message_of(refused).find("belongs to reliant itself"), std::string_view::npos) << refused;
  }
  const auto denied = [](const Status& status) { return status.code() == StatusCode::kPermissionDenied; };
  EXPECT_TRUE(denied(this->get(files.info(this->path("own/key"))).status()));
  EXPECT_TRUE(denied(this->get(files.list(this->path("own"))).status()));
  EXPECT_TRUE(denied(this->get(files.list(this->path("own/below"))).status()));
  EXPECT_TRUE(denied(this->get(files.write(this->path("own/key"), "z", 0600))));
  EXPECT_TRUE(denied(this->get(files.write(this->path("own/new"), "z", 0600))));
  EXPECT_TRUE(denied(this->get(files.write(this->path("later"), "z", 0600))));
  EXPECT_TRUE(denied(this->get(files.make_directories(this->path("own/more")))));
  EXPECT_TRUE(denied(this->get(files.remove(this->path("own/key")))));
  EXPECT_TRUE(denied(this->get(files.rename(this->path("own/key"), this->path("copy")))));
  EXPECT_TRUE(denied(this->get(files.rename(this->path("other"), this->path("own/key")))));
  EXPECT_EQ(this->read("own-notes"), "x");
  EXPECT_EQ(this->read("other"), "y");
  EXPECT_EQ(this->get(files.list(this->world_.directory()))->size(), 3u);
  this->world_.close_paths({});
  EXPECT_EQ(this->read("own/key"), "secret");
}

REGISTER_TYPED_TEST_SUITE_P(FilesystemContract, ReadsWhatWasWritten, RefusesToReadMoreThanTheLimit, TellsWhyAReadFails,
                            TellsWhyAWriteFails, DescribesFilesAndDirectories, ListsByName,
                            MakesDirectoriesThatMayBeThereAlready, RemovesFilesAndEmptyDirectories,
                            RenamesOverAFileButNotOverADirectory, MovesADirectoryWithAllBelow, ResolvesDotsInPaths,
                            RefusesWhatIsClosed);

}  // namespace reliant::tests
