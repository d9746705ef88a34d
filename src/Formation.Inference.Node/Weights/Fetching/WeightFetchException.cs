namespace Formation.Inference.Node.Weights.Fetching;

/// <summary>The weights can't be had now. What came is kept, and the next try goes on from there.</summary>
/// <param name="message">Which bytes are missing, and what is wrong with each source.</param>
public sealed class WeightFetchException(string message, Exception? innerException = null) : IOException(message, innerException);
