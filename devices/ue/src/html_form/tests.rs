use super::*;

fn fields(page: &str) -> Vec<(String, String, FieldKind)> {
    let form = read_form(page).unwrap().expect("a form");
    let fields = form.fields.into_iter();
    fields
        .map(|field| (field.name, field.value, field.kind))
        .collect()
}

#[test]
fn the_form_of_a_portal_page_is_read() {
    let page = r#"<!doctype html><html lang="en"><head><title>Sign <form> up</title>
        <style>a<b { }</style></head><body><!-- <form method=post action=/wrong> -->
        <form method="post" action="/sign-up?x=1&amp;y=2">
          <input type="hidden" name="csrf" value="a&#x3D;b&quot;">
          <label><input type="radio" name="plan_id" value="lab" checked required> Lab</label>
          <label><input type=radio name=plan_id value=gold> Gold</label>
          <label><input type="checkbox" name="terms" required/> Terms</label>
          <input name="order_code">
          <select name="country"><option value="de">D</option><option value="fr" selected>F</option></select>
          <button>Sign up</button><button type="submit" name="go" value="1">Go</button>
        </form></body></html>"#;
    let form = read_form(page).unwrap().unwrap();
    assert_eq!(form.action, "/sign-up?x=1&y=2");
    assert!(form.post);
    let kind = |name: &str| {
        form.fields
            .iter()
            .find(|field| field.name == name)
            .unwrap()
            .kind
            .clone()
    };
    assert_eq!(form.fields[0].value, "a=b\"");
    assert_eq!(form.fields[1].kind, FieldKind::Radio { checked: true });
    assert_eq!(form.fields[2].kind, FieldKind::Radio { checked: false });
    assert_eq!(kind("terms"), FieldKind::Checkbox { checked: false });
    assert_eq!(form.fields[3].value, "on");
    assert_eq!(kind("order_code"), FieldKind::Text);
    assert_eq!(form.fields[5].value, "fr");
    assert_eq!(kind("go"), FieldKind::Submit);
    assert_eq!(form.fields.len(), 7);
}

#[test]
fn forms_are_found_by_table() {
    let hidden =
        |name: &str, value: &str| vec![(name.to_owned(), value.to_owned(), FieldKind::Hidden)];
    for (page, expected) in [
        (
            "<form><input type=hidden name=a value=1></form>",
            hidden("a", "1"),
        ),
        (
            "<FORM METHOD=POST><INPUT TYPE=HIDDEN NAME=a VALUE='x y'></FORM>",
            hidden("a", "x y"),
        ),
        (
            "<form><input type=hidden name=a value=\"1>2\"></form>",
            hidden("a", "1>2"),
        ),
        (
            "<form><input type = \"hidden\" name = a value = 1 ></form>",
            hidden("a", "1"),
        ),
        (
            "<form><input type=hidden name=a value=1 value=2></form>",
            hidden("a", "1"),
        ),
        (
            "<form><input type=hidden name=a value=&lt;&#65;&unknown;></form>",
            hidden("a", "<A&unknown;"),
        ),
        (
            "<form><input type=hidden name=a value=&#xD800;></form>",
            hidden("a", "&#xD800;"),
        ),
        (
            "<form><input type=hidden value=1><input type=hidden name=b></form>",
            hidden("b", ""),
        ),
        (
            "<script>'<form>'</script><form><input type=hidden name=a></form>",
            hidden("a", ""),
        ),
        (
            "<input type=hidden name=out><form><input type=hidden name=in></form>",
            hidden("in", ""),
        ),
        (
            "<form action=/get></form><form method=post><input type=hidden name=p></form>",
            hidden("p", ""),
        ),
        (
            "a < b <form><input type=hidden name=a disabled><input type=hidden name=b></form>",
            hidden("b", ""),
        ),
        (
            "<form><textarea name=t><input name=x></textarea></form>",
            vec![("t".to_owned(), String::new(), FieldKind::Text)],
        ),
    ] {
        assert_eq!(fields(page), expected, "{page}");
    }
}

#[test]
fn what_is_no_page_is_refused_by_table() {
    for (page, error) in [
        ("<form", HtmlError::Unfinished),
        ("<form><input name=a>", HtmlError::Unfinished),
        ("<form><input name=\"a></form>", HtmlError::Unfinished),
        ("<form><select name=a></form>", HtmlError::Nested),
        ("<form><form></form></form>", HtmlError::Nested),
        ("<form><select><select></select></form>", HtmlError::Nested),
        ("<!-- <form></form>", HtmlError::Unfinished),
        ("<script><form></form>", HtmlError::Unfinished),
        ("<form \"></form>", HtmlError::Unfinished),
    ] {
        assert_eq!(read_form(page), Err(error), "{page}");
    }
    assert_eq!(read_form("<p>no form</p>"), Ok(None));
    assert_eq!(read_form(""), Ok(None));
    let many = format!("<form>{}</form>", "<input name=a>".repeat(MAX_FIELDS + 1));
    assert_eq!(read_form(&many), Err(HtmlError::TooMuch));
    let forms = "<form></form>".repeat(MAX_FORMS + 1);
    assert_eq!(read_form(&forms), Err(HtmlError::TooMuch));
}

#[test]
fn every_prefix_and_every_flip_of_a_page_ends_without_panic() {
    let page = "<!doctype html><form method=post action='/ä?&amp;'><input name=a value=\"&#228;\" checked>\
        <select name=s><option value=1 selected>é</option></select><textarea name=t>x</textarea></form>";
    for end in 0..=page.len() {
        if let Some(prefix) = page.get(..end) {
            let _ = read_form(prefix);
        }
    }
    let characters: Vec<char> = page.chars().collect();
    for at in 0..characters.len() {
        for replacement in ['<', '>', '"', '\'', '=', '&', ';', '/', '\u{0}', '€'] {
            let mut changed = characters.clone();
            changed[at] = replacement;
            let _ = read_form(&changed.iter().collect::<String>());
        }
    }
}
