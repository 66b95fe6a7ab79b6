// Made from src/faceveil/server/schemas.py and plan.py by tools/page_types.py; change it there.

declare namespace Service {
  interface Accepted {
    batch: string;
    jobs: Job[];
    refused: Refused[];
  }

  interface Box {
    x0: number;
    y0: number;
    x1: number;
    y1: number;
  }

  interface Face {
    box: Box;
    score: number;
    landmarks: [[number, number], [number, number], [number, number], [number, number], [number, number]] | null;
  }

  interface Job {
    id: string;
    batch: string;
    name: string;
    kind: "image" | "pages" | "animation" | "video" | "document" | null;
    state: "queued" | "analyzing" | "review" | "rendering" | "checking" | "done" | "failed" | "withheld";
    review: boolean;
    position: number | null;
    progress: Progress | null;
    faces: number | null;
    kept: number | null;
    filled: number | null;
    width: number | null;
    height: number | null;
    frames: number | null;
    problem: Problem | null;
    warnings: string[];
    notes: string[];
    dropped: string[];
    created: string;
    original_expires: string | null;
    result_expires: string | null;
    has_original: boolean;
    has_plan: boolean;
    has_result: boolean;
    result_name: string | null;
    result_type: string | null;
    options: Record<string, any>;
    webhook: "waiting" | "sent" | "failed" | null;
  }

  interface Jobs {
    jobs: Job[];
  }

  interface Limits {
    version: string;
    detector: string | null;
    max_upload_mb: number;
    max_upload_bytes: number;
    max_files: number;
    max_queue: number;
    max_minutes: number;
    max_pixels: number;
    keep_original_minutes: number;
    keep_result_hours: number;
  }

  interface Media {
    kind: "image" | "pages" | "animation" | "video" | "document";
    format: string;
    width: number;
    height: number;
    frames: number | null;
    transparent: boolean;
    parts: string[];
    films: string[];
  }

  interface OptionsPage {
    schema: Record<string, any>;
    presets: Record<string, Record<string, any>>;
    service: Limits;
  }

  interface Plan {
    media: Media;
    tracks: Track[];
    detector: string;
    weights_sha256: string;
    min_face: number;
    time_base: string;
    pts: number[];
    cuts: number[];
    sha256: string;
    schema: 1;
  }

  interface Problem {
    type: string;
    title: string;
    status: number;
    detail: string;
    advice: string;
  }

  interface Progress {
    stage: string;
    done: number;
    total: number | null;
    fps: number | null;
    seconds_left: number | null;
  }

  interface Refused {
    name: string;
    problem: Problem;
  }

  interface Track {
    id: number;
    boxes: Record<string, Box>;
    seen: Record<string, Face>;
    origin: "detected" | "manual" | "zone";
    keep: boolean;
  }
}
