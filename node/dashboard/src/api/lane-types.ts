// The shapes of /api/v1/lanes and /api/v1/switching. Decisions keep what they were made of as it was recorded, perhaps by an older
// version: all of that is optional here.

export interface Lane {
  name: string;
  chain: string;
  active: boolean;
}

export interface LaneChoice {
  name: string;
  coin: string;
  weight_percent: number;
  wanted_percent: number;
  health: string;
  problem: string | null;
  is_out: boolean;
  coins_per_hash: number | null;
  revenue_per_hash: number | null;
  standard_error_percent: number | null;
  workers: number;
  hashrate: number;
  estimated_units: number;
  paid_units: number;
}

export interface Switching {
  mode: string;
  profile: string;
  state: string;
  manual_lane: string | null;
  manual_reason: string | null;
  why: string | null;
  next_tick: number;
  next_move: number | null;
  lanes: LaneChoice[];
  advice: string[];
}

export interface LaneWeight {
  lane: string;
  basis_points: number;
}

export interface LaneEstimate {
  lane: string;
  revenue_per_hash?: number | null;
  standard_error_percent?: number | null;
  edge_percent?: number | null;
}

export interface Counterfactual {
  secs: number;
  unknown_secs: number;
  chosen_gain_percent: number;
  in_effect_gain_percent: number;
  argmax_gain_percent: number;
  oracle_gain_percent: number;
  best_static: string;
  best_static_percent: number;
  switches_per_day: number;
  argmax_switches_per_day: number;
}

/** Where miners go, in the reasons that say it. */
export interface ReasonDetail {
  from?: string;
  to?: string | null;
  lane?: string;
  moved_percent?: number;
}

export interface DecisionEntry {
  number: number;
  time: number;
  mode: string;
  profile: string;
  state: string;
  is_move: boolean;
  why: string;
  decision: {
    estimates?: LaneEstimate[];
    chosen?: LaneWeight[];
    in_effect?: LaneWeight[];
    reason?: string | Record<string, ReasonDetail>;
    counterfactual?: Counterfactual | null;
  };
}
