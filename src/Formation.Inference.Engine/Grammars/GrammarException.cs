namespace Formation.Inference.Engine.Grammars;

/// <summary>A grammar can't be used; the message says which part of it, and why.</summary>
public sealed class GrammarException(string message) : Exception(message);
