namespace Formation.Inference.Node.Heads.Wire;

/// <summary>What the other side sent breaks the protocol. The connection ends; the process does not.</summary>
/// <param name="reason">Which value and which limit; holds nothing of a prompt or completion.</param>
sealed class GenerationProtocolException(string reason) : Exception(reason);
