// A shop's row of recommendations: a refetchable page, an entry, and an item found again by its global id.
import { graphql } from "relay-runtime";

export const row = graphql`
  fragment ForYou_user on User
  @argumentDefinitions(first: { type: "Int", defaultValue: 10 }, after: { type: "String" })
  @refetchable(queryName: "ForYouPageQuery") {
    recommendations(first: $first, after: $after) @connection(key: "ForYou_recommendations") {
      modelVersion
      edges {
        node {
          rank
          ...ForYouEntry
        }
      }
    }
  }
`;

export const entry = graphql`
  fragment ForYouEntry on Recommendation {
    score
    item {
      id
      title
      price
      brand {
        name
      }
    }
    explanation {
      sentence
    }
  }
`;

export const page = graphql`
  query ForYouQuery($user: String!) {
    user(id: $user) {
      ...ForYou_user
    }
  }
`;

export const item = graphql`
  fragment ForYouItem on Item @refetchable(queryName: "ForYouItemQuery") {
    title
    available
  }
`;

export const bought = graphql`
  mutation ForYouBoughtMutation($input: RecordEventsInput!) {
    recordEvents(input: $input) {
      recorded
      clientMutationId
    }
  }
`;

export const live = graphql`
  subscription ForYouSubscription($user: String!) {
    recommendations(user: $user) {
      nodes {
        rank
      }
    }
  }
`;
