//! Sessions at the command line, those of the READMEs among them; `TRYCMD=overwrite` rewrites them.

#[test]
fn transcripts() {
    let cases = trycmd::TestCases::new();
    for name in ["LC_ALL", "LC_MESSAGES"] {
        cases.env(name, "");
    }
    cases.env("LANG", "C.UTF-8").case("tests/cmd/*.md").case("../README.md").case("../README.zh-CN.md").run();
}
