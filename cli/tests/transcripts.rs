//! Sessions at the command line, those of the READMEs among them; `TRYCMD=overwrite` rewrites them.

#[test]
fn transcripts() {
    let cases = trycmd::TestCases::new();
    for name in ["LC_ALL", "LC_MESSAGES"] {
        cases.env(name, "");
    }
    // A reader of a README stands in the folder that it is in.
    std::env::set_current_dir("..").unwrap();
    cases.env("LANG", "C.UTF-8").case("cli/tests/cmd/*.md").case("README.md").case("README.zh-CN.md").run();
}
