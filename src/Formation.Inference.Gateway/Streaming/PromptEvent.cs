namespace Formation.Inference.Gateway.Streaming;

/// <summary>An event of one of a request's prompts. Most requests have one prompt, number 0.</summary>
internal readonly record struct PromptEvent(int Prompt, GenerationEvent Event);
