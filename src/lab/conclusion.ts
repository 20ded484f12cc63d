/** What an experiment shows, in a sentence. `holds` false: it did not come out as the incident had it. Null: a remark. */
export type Conclusion = { text: string; holds: boolean | null };
