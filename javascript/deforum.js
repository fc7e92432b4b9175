// What gradio cannot do in all its versions: views below schedule boxes, a plan that follows the settings, progress that
// follows a run, links from a finding to its field. Everything is worked out in Python; this presses hidden buttons.
(() => {
    "use strict";
    if (window.deforumScript) return;
    window.deforumScript = true;

    const BEAT = 150; // milliseconds between two looks at the page
    const SETTLED = 250; // after a change, before the plan or the manifest is asked for
    const PROGRESS = 700; // between two looks at a run
    const GREETING = 4000; // before a page whose tab is not on display asks for runs
    const PATIENCE = 4000; // before an answer that did not come is asked for again

    const byId = (id) => document.getElementById(id);
    const isShown = (element) => !!element && element.getClientRects().length > 0;
    const boxOf = (id) => byId(id)?.querySelector("textarea, input") ?? null;
    const textOf = (id) => boxOf(id)?.value ?? "";

    function write(id, text) {
        const box = boxOf(id);
        if (!box) return;
        box.value = text;
        box.dispatchEvent(new Event("input", { bubbles: true }));
    }

    function press(id) {
        const element = byId(id);
        const button = element?.matches("button") ? element : element?.querySelector("button");
        button?.click();
    }

    // --- views below schedules and prompts ---------------------------------------------------------------------------

    const seen = new Map(); // element id -> what was asked for it
    const views = new Map(); // element id -> HTML of its view
    let asking = null; // {since, ids} while an answer is on its way
    let reply = "";

    function clip() {
        return {
            max_frames: textOf("deforum_setting_max_frames") || 120,
            seed: textOf("deforum_setting_seed") || 0,
        };
    }

    function askForViews(root, now) {
        if (asking && now - asking.since < PATIENCE) return;
        const facts = clip();
        const boxes = {};
        const ids = {};
        for (const element of root.querySelectorAll(".deforum-checked")) {
            const box = element.querySelector("textarea, input");
            if (!box || !isShown(box)) continue;
            const state = JSON.stringify([box.value, facts]);
            if (seen.get(element.id) === state) {
                show(element);
                continue;
            }
            seen.set(element.id, state);
            const key = element.id.replace("deforum_setting_", "");
            boxes[key] = box.value;
            ids[key] = element.id;
        }
        if (!Object.keys(boxes).length) return;
        asking = { since: now, ids };
        write("deforum_schedule_query", JSON.stringify({ ...facts, boxes, at: now }));
    }

    function takeViews() {
        const text = textOf("deforum_schedule_reply");
        if (!asking || !text || text === reply) return;
        reply = text;
        const { ids } = asking;
        asking = null;
        for (const [key, html] of Object.entries(JSON.parse(text).views)) {
            if (!ids[key]) continue;
            views.set(ids[key], html);
            show(byId(ids[key]));
        }
    }

    function show(element) {
        const html = views.get(element?.id);
        if (!element || html === undefined) return;
        let view = element.querySelector(":scope > .deforum-view");
        if (!view) {
            view = document.createElement("div");
            view.className = "deforum-view";
            view.setAttribute("aria-live", "polite");
            element.append(view);
        }
        if (view.dataset.html !== html) {
            view.dataset.html = html;
            view.innerHTML = html;
            element.classList.toggle("deforum-wrong", html.includes("deforum-error"));
        }
    }

    // --- plan and manifest -------------------------------------------------------------------------------------------

    let changed = 1; // when something was last changed, 0 once the plan knows
    let pasted = false; // whether the manifest is to be read
    let planning = null; // {at, since, manifest} while a plan is on its way
    let base = ""; // the defaults
    let manifest = "";
    let managed = "";
    let owned = []; // ids of the fields that Parseq manages

    function noteChange(event) {
        const target = event.target;
        if (!(target instanceof Element) || !target.closest("#deforum_left")) return;
        if (target.closest(".deforum-plan, .deforum-jump, .deforum-hidden, #deforum_plan_btn, [role=tab]")) return;
        changed = performance.now();
    }

    function followChanges(now) {
        const text = textOf("deforum_base");
        if (text !== base) {
            pasted = true; // settings were loaded, perhaps with a manifest
            base = text;
            changed = now;
        }
        const box = boxOf("deforum_setting_parseq_manifest");
        if (box && box.value !== manifest) {
            manifest = box.value;
            pasted = true;
            changed = now;
        }
        if (planning && now - planning.since > PATIENCE * 4) {
            pasted ||= planning.manifest;
            changed ||= now;
            planning = null;
        }
        if (planning || !changed || now - changed < SETTLED) return;
        if (!pasted && !isShown(byId("deforum_plan"))) return;
        planning = { at: Math.round(now * 1000) + 1, since: now, manifest: pasted };
        write("deforum_plan_ask", JSON.stringify({ manifest: pasted, at: planning.at, ...zoomed }));
        changed = 0;
        pasted = false;
    }

    let zoomed = {}; // {first, last} of the frames to draw; all without them

    function zoom(button) {
        const { first, last, frames } = button.parentElement.dataset;
        const [from, to] = [Number(first), Number(last)];
        const count = to - from + 1;
        const side = { in: -count / 4, out: count / 2, back: 0, on: 0 }[button.dataset.zoom];
        const step = { back: -count / 2, on: count / 2 }[button.dataset.zoom] ?? 0;
        const wanted = side === undefined ? frames : Math.max(2, Math.round(count + 2 * side));
        const begin = Math.round(Math.min(Math.max(from - (side ?? 0) + step, 0), Math.max(frames - wanted, 0)));
        zoomed = wanted >= frames ? {} : { first: begin, last: begin + wanted - 1 };
        changed = performance.now() - SETTLED;
    }

    function takePlan(root) {
        const text = textOf("deforum_managed");
        if (text && text !== managed) {
            managed = text;
            const { at, ids = [] } = JSON.parse(text);
            if (planning && planning.at === at) planning = null;
            owned = ids;
        }
        for (const element of root.querySelectorAll(".deforum-managed")) {
            if (!owned.includes(element.id)) element.classList.remove("deforum-managed");
        }
        for (const id of owned) byId(id)?.classList.add("deforum-managed"); // a field may have come into the page since
    }

    // --- progress ----------------------------------------------------------------------------------------------------

    let ticked = 0;
    let greeted = false;
    const listed = new Set();
    const started = performance.now();

    function followRun(root, now) {
        const live = document.querySelector('#deforum_status [data-live="1"]');
        if (greeted && (!live || now - ticked < PROGRESS)) return;
        // The page may have been opened while a run is under way; but that can wait until the page is there.
        if (!byId("deforum_tick") || (!greeted && !isShown(root) && now - started < GREETING)) return;
        greeted = true;
        ticked = now;
        press("deforum_tick");
    }

    let toolTicked = 0;
    let toolsGreeted = false;

    function followTool(root, now) {
        const live = root.querySelector('.deforum-tool[data-live="1"]');
        if (live ? now - toolTicked < PROGRESS : toolsGreeted) return;
        // A tool may have been at work, or done, before this page was opened.
        if (!live && ![...root.querySelectorAll(".deforum-tool-btn")].some(isShown)) return;
        toolsGreeted = true;
        toolTicked = now;
        press("deforum_tool_tick");
    }

    // --- buttons whose errand is under way --------------------------------------------------------------------------

    const ERRANDS = ["generate", "save_settings_btn", "load_settings_btn", "load_video_settings_btn", "save_preset_btn",
        "run_load_btn"].map((name) => `#deforum_${name}`).join();
    let errand = null; // {button, answer, since} of the one that was pressed last

    function answered() {
        return byId("deforum_said")?.querySelector("[data-answer]")?.dataset.answer ?? "";
    }

    function beginErrand(button) {
        errand?.button.removeAttribute("aria-busy");
        errand = { button, answer: answered(), since: performance.now() };
        button.setAttribute("aria-busy", "true");
    }

    function followErrand(now) {
        if (!errand || (answered() === errand.answer && now - errand.since < PATIENCE * 4)) return;
        errand.button.removeAttribute("aria-busy");
        errand = null;
    }

    // --- from a finding to its field, from a picture to its run --------------------------------------------------------

    const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

    async function jump(button) {
        const { tab, sections, field, unit } = button.dataset;
        if (!isShown(byId("deforum_tabs"))) {
            // The link stands on another page of ours.
            [...document.querySelectorAll("#deforum_page :is([role=tab], .tab-nav > button)")]
                .find((each) => each.textContent.trim() === "Deforum")?.click();
            await wait(120);
        }
        const tabs = [...document.querySelectorAll("#deforum_tabs :is([role=tab], .tab-nav > button)")];
        tabs.find((each) => each.textContent.trim() === tab)?.click();
        await wait(120);
        if (unit) {
            [...document.querySelectorAll("#deforum_unit label")][unit - 1]?.click();
            await wait(400);
        }
        let place = null;
        for (const id of sections.split(" ").filter(Boolean)) {
            place = byId(id) ?? place;
            const inside = byId(id)?.querySelectorAll("input, textarea, .deforum-legend") ?? [];
            if (![...inside].some(isShown)) {
                byId(id)?.querySelector("button.label-wrap, .label-wrap")?.click();
                await wait(160);
            }
        }
        const element = isShown(byId(field)) ? byId(field) : place;
        if (!element) return;
        element.scrollIntoView({ block: "center" });
        element.classList.add("deforum-found");
        setTimeout(() => element.classList.remove("deforum-found"), 2500);
        element.querySelector("input:not([type=hidden]), textarea")?.focus({ preventScroll: true });
    }

    function pick(what, data) {
        write(`deforum_${what}_picked`, data[what]);
        setTimeout(() => press(`deforum_${what}_pick`), 60);
        if (what === "run") byId("deforum_run_shown")?.scrollIntoView({ block: "nearest" });
    }

    function click(event) {
        const target = event.target;
        if (!(target instanceof Element)) return;
        const sent = target.closest(ERRANDS);
        if (sent) beginErrand(sent);
        const link = target.closest(".deforum-jump");
        if (link) void jump(link);
        if (target.closest(".deforum-tool-stop")) press("deforum_tool_stop");
        const zooms = target.closest("#deforum_plan .deforum-zoom button");
        if (zooms) zoom(zooms);
        const card = target.closest(".deforum-card");
        if (card) pick(card.dataset.preset === undefined ? "run" : "preset", card.dataset);
    }

    // -----------------------------------------------------------------------------------------------------------------

    for (const type of ["input", "change", "click"]) document.addEventListener(type, noteChange, true);
    document.addEventListener("click", click);

    // All ControlNet units stand in the same fields, each under the ids of its own settings.
    function nameUnit() {
        const unit = textOf("deforum_unit_shown");
        if (!unit) return;
        for (const field of document.querySelectorAll('#deforum_left [id^="deforum_setting_cn_"]')) {
            const name = field.id.replace(/cn_\d/, `cn_${unit}`);
            if (field.id !== name) field.id = name;
        }
    }

    // --- uploads -----------------------------------------------------------------------------------------------------

    let uploaded = "";

    function offerUploads(root) {
        for (const element of root.querySelectorAll(".deforum-takes-file")) {
            if (element.querySelector(":scope > .deforum-upload") || !element.querySelector("textarea, input")) continue;
            const row = document.createElement("div");
            row.className = "deforum-upload";
            if (element.id.endsWith("_init_images")) {
                row.innerHTML = '<label>For frame <input type="text" size="6" value="0"></label>';
            }
            const button = document.createElement("button");
            button.type = "button";
            button.textContent = "Upload a file …";
            button.addEventListener("click", () => askForUpload(element, row));
            row.append(button);
            element.append(row);
        }
    }

    function askForUpload(element, row) {
        const key = element.id.replace("deforum_setting_", "");
        const frame = row.querySelector("input")?.value.trim() ?? "";
        write("deforum_upload_key", JSON.stringify({ key, frame, at: Math.round(performance.now()) }));
        press("deforum_upload");
    }

    function takeUpload() {
        const text = textOf("deforum_upload_reply");
        if (!text || text === uploaded) return;
        uploaded = text;
        const { key, frame, path, error } = JSON.parse(text);
        const place = byId(`deforum_setting_${key}`) ? `deforum_setting_${key}` : key; // tools have ids of their own
        const row = byId(place)?.querySelector(".deforum-upload");
        row?.querySelector(".deforum-findings")?.remove();
        if (error) row?.insertAdjacentHTML("beforeend", error);
        else write(place, key === "init_images" ? withPicture(key, frame, path) : path);
    }

    // The JSON of guided images with one picture more; what is no JSON is replaced.
    function withPicture(key, frame, path) {
        let known = {};
        try {
            known = JSON.parse(textOf(`deforum_setting_${key}`));
        } catch {
            known = {};
        }
        return JSON.stringify({ ...known, [frame || "0"]: path }, null, 4);
    }

    // Schedules of motion that one press holds still: id of the button -> setting, and what it then is.
    const STILL = {
        reset_zoom_btn: ["zoom", "0: (1)"],
        reset_tr_z_btn: ["translation_z", "0: (0)"],
    };

    function offerStill() {
        for (const [id, [key, text]] of Object.entries(STILL)) {
            const element = byId(`deforum_setting_${key}`);
            if (!element?.querySelector("textarea, input") || byId(id)) continue;
            const button = document.createElement("button");
            button.type = "button";
            button.id = id;
            button.className = "deforum-still";
            button.textContent = "Hold still";
            button.title = `Sets the schedule to ${text}`;
            button.addEventListener("click", () => write(element.id, text));
            element.append(button);
        }
    }

    // Lists of what is on disk are read whenever they come into view.
    function followLists() {
        for (const id of ["deforum_runs_btn", "deforum_presets_btn", "deforum_resumable_btn"]) {
            const shown = isShown(byId(id));
            if (shown && !listed.has(id)) press(id);
            if (shown) listed.add(id);
            else listed.delete(id);
        }
    }

    // Old gradios make the headings of sections plain boxes, which no keyboard reaches, and forget the label of the number
    // beside a slider.
    function makeReachable(root) {
        for (const number of root.querySelectorAll(".deforum-setting input[type=number]:not([aria-label])")) {
            const said = number.closest(".deforum-setting").querySelector("[data-testid=block-info], label span");
            number.setAttribute("aria-label", said?.textContent.trim() ?? "");
        }
        for (const heading of root.querySelectorAll("div.label-wrap:not([tabindex])")) {
            heading.tabIndex = 0;
            heading.setAttribute("role", "button");
            heading.addEventListener("keydown", (event) => {
                if (event.key !== "Enter" && event.key !== " ") return;
                event.preventDefault();
                heading.click();
            });
        }
    }

    // Arrow keys go from tab to tab, as people expect of tabs and gradio does not do.
    document.addEventListener("keydown", (event) => {
        const tab = event.target instanceof Element && event.target.closest("#deforum_tabs :is([role=tab], .tab-nav > button)");
        if (!tab) return;
        const tabs = [...tab.parentElement.children].filter((each) => each.matches("button") && isShown(each));
        const last = tabs.length - 1;
        const at = tabs.indexOf(tab);
        const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at ? at - 1 : last, Home: 0, End: last }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        tabs[to].focus();
    });

    setInterval(() => {
        const root = byId("deforum_interface");
        if (!root || document.hidden) return;
        const now = performance.now();
        followErrand(now);
        followRun(root, now);
        followLists();
        if (!isShown(root)) return;
        makeReachable(root);
        followTool(root, now);
        nameUnit();
        offerUploads(root);
        offerStill();
        takeUpload();
        takeViews();
        askForViews(root, now);
        followChanges(now);
        takePlan(root);
    }, BEAT);
})();
