namespace Formation.Inference.Storage;

/// <summary>The database did not do what it was told: it can't be reached, is full, refuses. The message holds no password and no row.</summary>
public sealed class StorageException(string message, Exception cause, bool isDuplicate = false) : Exception(message, cause)
{
    /// <summary>Whether the statement would have made a second row where there may be one only.</summary>
    public bool IsDuplicate { get; } = isDuplicate;
}
