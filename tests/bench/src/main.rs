//! `oss-bench NAME`: one piece of work, for whoever counts its instructions; `oss-bench`: their names, a line each;
//! `oss-bench scale`: the tables of `docs/scale.md`.

use oss_bench::SCENARIOS;

fn main() {
    let Some(name) = std::env::args().nth(1) else {
        for scenario in SCENARIOS {
            println!("{}\t{}\t{}", scenario.name, scenario.count, scenario.unit);
        }
        return;
    };
    if name == "scale" {
        print!("{}", oss_bench::scale());
        return;
    }
    let Some(scenario) = SCENARIOS.iter().find(|scenario| scenario.name == name) else {
        eprintln!("error: no piece of work is called {name:?}; without an argument all are listed");
        std::process::exit(1);
    };
    scenario.run(scenario.count);
}
