namespace Formation.Inference;

/// <summary>What came of a request whose answer is one value: the value, or the expected failure in its place.</summary>
/// <typeparam name="T">The kind of answer.</typeparam>
public readonly record struct Outcome<T>
    where T : class
{
    Outcome(T? value, GenerationError? error) => (Value, Error) = (value, error);

    /// <summary>The answer; null exactly where <see cref="Error"/> is not.</summary>
    public T? Value { get; }

    /// <summary>Why there is none, or null.</summary>
    public GenerationError? Error { get; }

    public static implicit operator Outcome<T>(T value) => new(value, null);

    public static implicit operator Outcome<T>(GenerationError error) => new(null, error);
}
