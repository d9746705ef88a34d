namespace Formation.Inference.Storage;

/// <summary>The tables of one store, and how they came to be.</summary>
/// <param name="Name">Names the store in the database.</param>
/// <param name="Steps">What was done to the tables, version by version, oldest first. A step never changes; what is new is a new step.</param>
public sealed record Schema(string Name, params IReadOnlyList<Func<SqlDialect, string>> Steps);
