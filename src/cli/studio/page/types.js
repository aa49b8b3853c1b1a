// What the server sends. Pictures are named by an id; `picture/ID` is a preview of one.

/** @typedef {{ id: string, name: string, width: number, height: number, remark: string | null }} Picture */
/** @typedef {{ picture: Picture, mask: Picture | null }} Styled a painting, and where in the photograph it is painted: null is everywhere */
/** @typedef {{ size: string, iterations: number, seconds: number | null, bytes: number }} Estimate */

/**
 * @typedef {object} Desk
 * @property {number} revision
 * @property {Picture | null} photo
 * @property {Styled[]} paintings
 * @property {number | null} rest index of the painting that is painted where the masks of the others are black
 * @property {Picture | null} protect where this mask is white the photograph stays as it is
 * @property {Picture | null} start the picture to begin with instead of the photograph
 * @property {string} preset
 * @property {Record<string, string>} settings only what differs from the preset
 * @property {Record<string, string>} effective all settings
 * @property {Estimate | null} estimate
 * @property {string | null} trouble why this cannot be painted
 */

/**
 * @typedef {object} Sketch
 * @property {number} id
 * @property {number} revision
 * @property {"working" | "done" | "failed"} state
 * @property {number} frame
 * @property {number} progress 0 to 1
 * @property {number} seconds
 * @property {string | null} error
 */

/** @typedef {{ id: number, label: string, state: "waiting" | "working" | "done" | "failed", frame: number, error: string | null }} Variant */

/**
 * @typedef {object} Run
 * @property {number} id
 * @property {string} title
 * @property {"preparing" | "painting" | "paused" | "writing"} state
 * @property {number} iteration
 * @property {number} iterations
 * @property {string} size what is painted at now, "256x171"
 * @property {string} finalSize
 * @property {number} elapsed seconds
 * @property {number | null} left seconds
 * @property {number} frame
 * @property {string | null} photo
 */

/** @typedef {{ id: number, title: string, size: string }} Waiting */

/**
 * @typedef {object} Painting
 * @property {string} id
 * @property {string} name
 * @property {number} width
 * @property {number} height
 * @property {number} time milliseconds since 1970
 * @property {string | null} photo
 * @property {boolean} complete its pictures are here: it can be opened
 */

/**
 * @typedef {object} State
 * @property {string} program
 * @property {string} folder
 * @property {Desk} desk
 * @property {Sketch | null} sketch
 * @property {Variant[]} variants
 * @property {Run | null} run
 * @property {Waiting[]} queue
 * @property {Painting[]} history newest first
 * @property {string | null} notice
 */

/** @typedef {[iteration: number, total: number, content: number, style: number, tv: number]} Loss */
/** @typedef {{ run: number, from: number, points: Loss[] }} Losses */

/** @typedef {{ name: string, title: string, about: string, settings: Record<string, string> }} Preset */

/**
 * @typedef {object} Definition
 * @property {string} name
 * @property {string} help
 * @property {"Picture" | "Style" | "Optimization"} group
 * @property {"flag" | "choice" | "number" | "text"} kind
 * @property {string[]} choices
 * @property {string} value placeholder, "N|WxH"
 * @property {number | null} min
 * @property {number | null} max
 * @property {string} bounds "0 or more"
 * @property {boolean} list
 * @property {string | null} optimizer the only optimizer that reads it
 * @property {string} default
 */

/** @typedef {{ presets: Preset[], definitions: Definition[], limits: { bytes: number, pixels: number, pictures: number } }} Options */

export {};
