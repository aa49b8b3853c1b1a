//! `impasto batch --report`.

use super::{QUICK, QUICK_KEYS, batch, files, pictures};
use crate::page::page;
#[cfg(unix)]
use crate::processes::{Process, wait_for};

/// The part of the page about a job.
fn card(page: &str, number: usize) -> &str {
    let begin = format!("<article class=\"card\" id=\"job-{number}\">");
    let from = page.split_once(&begin).unwrap().1;
    from.split_once("</article>").unwrap().0
}

#[test]
fn the_page_has_the_jobs_of_a_call_painted_skipped_and_failed() {
    let place = pictures();
    let whole = std::fs::read(place.path("photos/cat.jpg")).unwrap();
    place.write("photos/<b>&.jpg", &whole[..whole.len() / 2]);
    std::fs::remove_file(place.path("paintings/wave.jpg")).unwrap();
    let photos = place.path("photos");
    let photos = photos.display();
    let arguments =
        format!("--contents {photos} --styles paintings -o out --report out/r.html {QUICK}");
    let (code, _) = batch(&place, &arguments);
    assert_eq!(code, 1);
    std::fs::remove_file(place.path("out/cup_night.png")).unwrap();
    let (code, said) = batch(&place, &arguments);
    assert_eq!(code, 1);
    assert!(said.contains("1 painted, 1 skipped, 1 failed"), "{said}");
    let page = page(&place, "out/r.html");
    assert!(page.contains("<h1>photos in the styles of paintings</h1>"));
    for number in 1..=3 {
        assert!(page.contains(&format!("href=\"#job-{number}\"")));
    }
    let [failed, skipped, painted] = [1, 2, 3].map(|number| card(&page, number));
    assert!(failed.contains("<h3>&lt;b&gt;&amp;_night.png</h3>"));
    let reason = "content picture: &lt;b&gt;&amp;.jpg: the picture is cut short";
    assert!(failed.contains(reason), "{failed}");
    assert_eq!(failed.matches("<img").count(), 0);
    assert!(skipped.contains("<h3>cat_night.png</h3>"));
    assert!(skipped.contains("The picture was there already."));
    assert_eq!(skipped.matches("<img").count(), 1);
    assert!(painted.contains("<h3>cup_night.png</h3>"));
    assert!(painted.contains("cup.jpg in the style of night.jpg"));
    assert!(
        painted.contains("<dt>iterations</dt><dd>2</dd>"),
        "{painted}"
    );
    assert_eq!(painted.matches("<img").count(), 3);
    assert_eq!(painted.matches("class=\"chart\"").count(), 1);
}

#[cfg(unix)]
#[test]
fn the_page_of_a_batch_that_ctrl_c_ends_says_what_is_left() {
    let place = pictures();
    let job = |output: &str, iterations: usize| {
        format!(
            "[[job]]\ncontent = 'photos/cat.jpg'\noutput = 'out/{output}.png'\niterations = {iterations}\n"
        )
    };
    let keys = QUICK_KEYS.replace("iterations = 2\n", "");
    let jobs = [job("a", 2), job("b", 1_000_000), job("c", 2)].concat();
    let list = format!("[defaults]\nstyle = 'paintings/night.jpg'\n{keys}{jobs}");
    place.write("jobs.toml", list);
    let run = Process::start(&place, ["batch"], "jobs.toml --report r.html");
    wait_for("the first job", || {
        place.path("out/.impasto/a.png.json").exists()
    });
    run.send("-INT");
    let (code, said) = run.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(
        said.ends_with("\n1 painted, 0 skipped, 0 failed, 2 left\n"),
        "{said}"
    );
    assert_eq!(files(&place.path("out")), ["a.png"]);
    let page = page(&place, "r.html");
    assert!(page.contains("<h1>jobs.toml</h1>"));
    assert!(page.contains("<strong>Ended early</strong>, by Ctrl-C. The same command continues"));
    assert!(page.contains("<dt>Left</dt><dd>2</dd>"));
    assert!(card(&page, 1).contains("painted"));
    assert!(card(&page, 2).contains("ended early"));
    assert!(!page.contains("job-3"));
}

#[test]
fn the_page_never_replaces_a_file_of_the_batch() {
    let place = pictures();
    let cat = std::fs::read(place.path("photos/cat.jpg")).unwrap();
    place.write("cat.html", &cat);
    let job = "[[job]]\ncontent = 'cat.html'\nstyle = 'paintings/wave.jpg'\noutput = 'out/a.png'\n";
    for list in ["jobs.toml", "jobs.html"] {
        place.write(list, format!("{job}{QUICK_KEYS}"));
    }
    place.write("recipe.html", "seed = 3");
    for (arguments, trouble) in [
        (
            "jobs.toml --report cat.html",
            "would replace a file that is read",
        ),
        (
            "jobs.html --report ./jobs.html",
            "would replace a file that is read",
        ),
        (
            "jobs.toml --preset recipe.html --report recipe.html",
            "would replace a file that is read",
        ),
        ("jobs.toml --report out/a.png", "would replace another file"),
        ("jobs.toml --report r.png", "name a file that ends in .html"),
        (
            "jobs.toml --report missing/r.html",
            "there is no folder missing",
        ),
    ] {
        let (code, said) = batch(&place, arguments);
        assert_eq!((code, said.lines().count()), (1, 1), "{said}");
        assert!(said.contains(trouble), "{said}");
        assert!(!place.path("out/a.png").exists());
    }
    assert!(std::fs::read(place.path("cat.html")).unwrap() == cat);
}
