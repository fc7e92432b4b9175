"""Element ids that scripts, styles and web UIs look for, as Deforum has always had them."""

from __future__ import annotations

from test_browser_access import unfold
from test_browser_tab import TABS

RIGHT = """deforum_gallery deforum_gallery_container deforum_progress_row deforum_generate_box deforum_generate
    deforum_skip deforum_interrupt deforum_settings_path deforum_save_settings_btn deforum_load_settings_btn
    deforum_load_video_settings_btn"""
LEFT = """override_settings motion_noise_etc guided_images_accord anti_blur_accord depth_warp_fov_tab
    depth_warp_msg_html
    prompts_info_accord hybrid_composite output_tab f_interp_accord main_top_info_accord neocore_tab reset_zoom_btn
    controlnet_not_found_html_msg deforum_header deforum_interrupting"""
AROUND = "deforum_interface tab_deforum_interface"
LATER = {
    "reset_tr_z_btn": ("Keyframes", "3D", "#deforum_setting_angle"),
    "hybrid_msg_html": ("Hybrid Video", "Interpolation", "#deforum_setting_diffusion_cadence"),
}
"""Those that come with an animation mode: their tab, the mode, and what that mode hides."""
# custom_setting_file comes with batch mode: test_three_settings_files_in_one_go. There is no leres_license_msg, for
# LeReS is never loaded, and none of image_buttons_deforum, save_zip_deforum and save_deforum, which hid parts of the
# gallery of web UIs: ours is not that.
IDS = "() => [...document.querySelectorAll('[id]')].map((each) => each.id)"


def seen(tab):
    """All ids of the page once everything in it has been open."""
    found = set()
    tab.page.locator("#main_top_info_accord .label-wrap >> nth=0").click()
    for heading in TABS:
        tab.go(heading)
        unfold(tab)
        found |= set(tab.page.evaluate(IDS))
    return found


def test_every_known_id_is_there(tab):
    found = seen(tab)
    assert set(f"{RIGHT} {LEFT} {AROUND}".split()) - found == set()
    for elem_id, (heading, mode, without) in LATER.items():
        tab.open()
        tab.go("Keyframes")
        tab.choose("animation_mode", mode)
        tab.page.wait_for_selector(without, state="hidden")
        tab.go(heading)
        tab.page.wait_for_selector(f"#{elem_id}:visible")


def test_motion_is_held_still(tab):
    tab.go("Keyframes")
    tab.write("zoom", "0: (1.2)")
    tab.press("reset_zoom_btn")
    tab.page.wait_for_function(
        "document.querySelector('#deforum_setting_zoom :is(textarea, input)').value === '0: (1)'"
    )
