//! What `cargo xtask chart` makes is what lies in the checkout.

use std::process::Command;

#[test]
fn schema_table_and_golden_renderings_are_of_this_chart() {
    let checked = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["chart", "--check"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
}
