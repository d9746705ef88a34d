namespace Formation.Inference.Engine.Stages;

/// <summary>A sequence whose keys and values a stage holds.</summary>
/// <param name="SequenceId">Which sequence.</param>
/// <param name="PromptLength">Positions below it are the prompt's; those from it on were generated.</param>
/// <param name="Length">Positions 0 to Length - 1 are stored.</param>
/// <param name="BlockTable">Ids of its KV blocks, as in <see cref="BatchSlice"/>. Sequences with a common prefix share blocks.</param>
public readonly record struct StoredSequence(long SequenceId, int PromptLength, int Length, ReadOnlyMemory<int> BlockTable);
