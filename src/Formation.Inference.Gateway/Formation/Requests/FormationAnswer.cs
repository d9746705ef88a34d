namespace Formation.Inference.Gateway.Formation.Requests;

/// <summary>Formation's own part of an answer in any dialect.</summary>
/// <param name="Nodes">The nodes that held the model's layers, the head's first; empty where the gateway's own process held them.</param>
/// <param name="CachedTokens">Tokens of the prompt, or of all prompts together, that were in the prefix cache.</param>
/// <param name="Timings">How long it took.</param>
internal sealed record FormationAnswer(IReadOnlyList<string> Nodes, int CachedTokens, FormationTimings Timings);

/// <summary>How long an answer took, as the gateway saw it.</summary>
/// <param name="AcceptedMs">Until the model had taken the request: finding and loading it, tokenizing.</param>
/// <param name="FirstTokenMs">Until the first text came: that, the queue and the prompt. Null where none came.</param>
/// <param name="TotalMs">Until the end.</param>
internal sealed record FormationTimings(double AcceptedMs, double? FirstTokenMs, double TotalMs);
