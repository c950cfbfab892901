//! Renders sample pages into a folder, with the static files beside them, to be looked at in a browser:
//! `cargo run -p vestibule-web --example preview -- /tmp/preview`.

mod samples;

use std::{error::Error, fs, path::Path};

use samples::{LAYOUTS, identification, samples, shell, stage_pages};
use vestibule_web::{ASSETS, Locale, Pages, Shell, accent_css, accent_url};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let folder = Path::new(&folder);
    let files = folder.join("static/vestibule");
    fs::create_dir_all(files.join("accent"))?;
    for asset in ASSETS {
        fs::write(files.join(asset.path), asset.bytes)?;
    }
    fs::write(files.join("accent/c2185b.css"), accent_css("accent/c2185b.css").ok_or("a colour")?)?;
    fs::write(folder.join("photo.svg"), PHOTO)?;
    let pages = Pages::new(&stage_pages())?;
    let write = |name: &str, html: String| {
        fs::write(
            folder.join(format!("{name}.html")),
            html.replace("\"&#x2f;static", "\"static").replace("\"/static", "\"static"),
        )
    };
    for (name, component, challenge) in samples() {
        write(name, pages.render(component, &shell(Locale::EN), &challenge)?)?;
        write(&format!("{name}-de"), pages.render(component, &shell(Locale::DE), &challenge)?)?;
    }
    for layout in LAYOUTS {
        let own = Shell { layout: layout.into(), application: Some("Wiki".into()), ..shell(Locale::EN) };
        write(&format!("layout-{layout}"), pages.render("ak-stage-identification", &own, &identification())?)?;
        let pictured = Shell { background: Some("photo.svg".into()), ..own };
        write(
            &format!("layout-{layout}-pictured"),
            pages.render("ak-stage-identification", &pictured, &identification())?,
        )?;
    }
    let branded = Shell { accent: accent_url("#c2185b"), theme: Some("dark".into()), ..shell(Locale::EN) };
    write("branded-dark", pages.render("ak-stage-identification", &branded, &identification())?)?;
    Ok(())
}

/// Stands for a photograph.
const PHOTO: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1600 900" preserveAspectRatio="xMidYMid slice"><defs><linearGradient id="a" x2="0" y2="1"><stop stop-color="#24466b"/><stop offset=".6" stop-color="#d98e5f"/><stop offset="1" stop-color="#f5d8a8"/></linearGradient></defs><path fill="url(#a)" d="M0 0h1600v900H0z"/><path fill="#2b3a4a" d="m0 900 300-330 220 190 330-420 360 400 180-160 210 320z"/></svg>"##;
