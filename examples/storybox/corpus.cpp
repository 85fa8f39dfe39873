// storybox_corpus: writes the stories that train.py learns from.
//
//     storybox_corpus --stories 80000 --seed 1 --out train.txt
//
// First line: a JSON object with the vocabulary, the special tokens and the exact floor of these very
// stories. Then one story a line, as token numbers, from <bos> to <eos>.
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iomanip>
#include <iostream>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "exit_code.hpp"
#include "output_file.hpp"
#include "storybox/floor.hpp"
#include "storybox/generator.hpp"

int main(int argc, char** argv) try {
  std::uint64_t count = 0;
  std::uint64_t seed = 0;
  std::string path;
  CLI::App app{"Writes a storybox corpus for train.py"};
  app.add_option("--stories", count, "number of stories")->required()->check(CLI::Range(1, 10'000'000));
  app.add_option("--seed", seed, "seed of the generator")->required();
  app.add_option("--out", path, "file to write")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return example::exit_code(app.exit(problem));
  }
  example::output_file file(path, "storybox corpus");

  std::mt19937_64 engine{seed};
  std::vector<storybox::story> stories;
  stories.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    stories.push_back(storybox::generate(engine));
  }
  const storybox::loss floor = storybox::corpus_floor(stories);

  std::ostream& out = file.stream();
  out << std::setprecision(17) << R"({"format": "storybox corpus 1", "stories": )" << count << R"(, "seed": )" << seed
      << R"(, "floor": )" << floor.per_token() << R"(, "expected_floor": )" << storybox::expected_floor().per_token()
      << R"(, "predictions": )" << static_cast<std::uint64_t>(floor.predictions) << R"(, "bos": )" << storybox::bos
      << R"(, "eos": )" << storybox::eos << R"(, "vocabulary": [)";
  const char* separator = "\"";
  for (const std::string_view word : storybox::words()) {
    out << separator << (word == "\"" ? "\\\"" : word) << '"';
    separator = ", \"";
  }
  out << "]}\n";
  for (const storybox::story& story : stories) {
    const char* space = "";
    for (const storybox::token t : storybox::tokens(story)) {
      out << space << t;
      space = " ";
    }
    out << '\n';
  }
  file.keep();
  std::cout << count << " stories, floor " << std::setprecision(6) << floor.per_token() << " nats per token\n";
  return example::exit_code();
} catch (const std::exception& error) {
  std::fprintf(stderr, "storybox_corpus: %s\n", error.what());
  return 1;
}
